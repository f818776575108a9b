// Makes a populated store with the coordinator of a checkout, to be upgraded by later versions in upgrading.test.ts.
// usage: node make.mjs CHECKOUT FILE [OPTION…]     The checkout has its dependencies installed; options go to its `serve`.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const [checkout, file, ...options] = process.argv.slice(2);
const data = await mkdtemp(join(tmpdir(), 'aitbc-store-'));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const program = join(checkout, 'packages/cli/src/main.ts');
const node = join(checkout, 'node_modules/node/bin/node');
const server = spawn(
  node,
  [program, 'serve', '--port', String(port), '--data', data, '--log-level', 'error', ...options],
  { stdio: 'inherit' },
);
const ended = new Promise(resolve => server.once('exit', resolve));
try {
  await until(async () => (await fetch(`${base}/health`)).ok);
  await populate();
} finally {
  server.kill('SIGTERM');
  await ended;
}
const files = {};
for (const name of (await readdir(data, { recursive: true, withFileTypes: true })).filter(entry =>
  entry.isFile(),
))
  files[name.name] = (await readFile(join(name.parentPath, name.name))).toString('base64');
await writeFile(file, gzipSync(JSON.stringify(files), { level: 9 }));
await rm(data, { recursive: true });
console.log(file, Object.keys(files).join(' '));

async function populate() {
  const miner_id = 'old-miner';
  await post('/v1/miners/register', {
    miner_id,
    capabilities: ['llama3.2', 'codellama'],
    gpu_info: { name: 'NVIDIA RTX 4090', memory: '24GB' },
    region: 'eu-west',
    concurrency: 8,
  });
  const submit = async (prompt, more = {}) =>
    (await post('/v1/jobs', { prompt, model: 'llama3.2', ...more })).job_id;
  const claim = id => post(`/v1/jobs/${id}/claim`, { miner_id });
  for (const prompt of ['Hello', 'Grüße', '你好']) {
    const id = await submit(prompt, { params: { max_tokens: 16, temperature: 0 }, metadata: { of: prompt } });
    await claim(id);
    await post(`/v1/jobs/${id}/complete`, {
      miner_id,
      result: `You said ${prompt}`,
      usage: { prompt_tokens: 1, completion_tokens: 3 },
    });
  }
  const failing = await submit('This one fails', { max_attempts: 1 });
  await claim(failing);
  await post(`/v1/jobs/${failing}/fail`, { miner_id, error: 'Out of memory' });
  await post(`/v1/jobs/${await submit('This one is cancelled')}/cancel`);
  await submit('This one waits', {
    priority: 1,
    constraints: { min_vram_gb: 16, region: 'eu-west', max_price: 5 },
  });
  await claim(await submit('This one runs'));
  // What later versions have; older ones refuse it, or leave it aside.
  const chat = { messages: [{ role: 'user', content: 'Hi' }], model: 'codellama' };
  await post('/v1/jobs', chat, { tolerant: true });
  const streamed = await submit('This one streams', { stream: true });
  await claim(streamed);
  await post(
    `/v1/jobs/${streamed}/chunks`,
    { miner_id, first: 0, chunks: ['One', ' two'] },
    { tolerant: true },
  );
  await batch();
  await setTimeout(2_500);
}

async function batch() {
  const form = new FormData();
  form.set('purpose', 'batch');
  const request = {
    custom_id: 'a',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'codellama', messages: [{ role: 'user', content: 'Hi' }] },
  };
  form.set('file', new File([`${JSON.stringify(request)}\n`], 'requests.jsonl'));
  const answer = await fetch(`${base}/v1/files`, { method: 'POST', body: form });
  if (!answer.ok) return;
  const { id } = await answer.json();
  await post(
    '/v1/batches',
    { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' },
    { tolerant: true },
  );
}

async function post(path, body, { tolerant = false } = {}) {
  const answer = await fetch(base + path, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok && !tolerant) throw new Error(`${path}: ${answer.status} ${text}`);
  return text && answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null;
}

async function until(isDone) {
  for (let tries = 0; tries < 200; tries++) {
    if (await isDone().catch(() => false)) return;
    await setTimeout(100);
  }
  throw new Error('The coordinator did not start');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}
