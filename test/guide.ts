import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { type CodeBlock, codeBlocks } from './markdown.ts';
import { SAMPLE_URL, WITNESS_URL } from './samples.ts';

const ROOT = join(import.meta.dirname, '..');
const MODULES = join(ROOT, 'node_modules');

/** A block that a reader runs. */
interface Step extends CodeBlock {
  file: string;
  /** What the guide says the block prints. */
  shown: CodeBlock | undefined;
}

/**
 * Follows a guide as its reader would: runs its `sh`, `ts` and `python` blocks in order, in one shell and an
 * empty folder, with the coordinators and miners that the guide itself starts. Returns what went wrong, block
 * by block. Python blocks are skipped when OpenAI's client or what the Python package needs is missing, except
 * in CI.
 *
 * An HTML comment right above a block may say `not run: why`, or `stopped before: serve` when the reader must
 * stop a running program. A `text` block after a block that runs is its output, in which `…` stands for
 * anything.
 */
export async function followGuide(path: string): Promise<string[]> {
  const markdown = await readFile(join(ROOT, path), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-guide-'));
  const [port, witnessPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  try {
    const blocks = codeBlocks(
      markdown.replaceAll(SAMPLE_URL, url).replaceAll(WITNESS_URL, `http://127.0.0.1:${witnessPort}`),
    );
    const hasPython = await canRunPython();
    const steps = stepsOf(blocks).filter(step => hasPython || !needsPython(step));
    await prepareFolder(folder, steps);
    await run(folder, {
      AITBC_COORDINATOR: url,
      AITBC_PORT: `${port}`,
      AITBC_WITNESS_PORT: `${witnessPort}`,
    });
    return await faultsOf(steps, folder, path);
  } finally {
    await rm(folder, { recursive: true, maxRetries: 5 });
  }
}

const PYTHON = process.env.PYTHON ?? 'python3';

async function canRunPython(): Promise<boolean> {
  if (process.env.CI) return true;
  const found = promisify(execFile)(PYTHON, [
    '-c',
    'import openai, httpx_sse, pydantic, rfc8785, cryptography, tqdm, standardwebhooks',
  ]);
  return await found.then(
    () => true,
    () => false,
  );
}

const needsPython = ({ language, code }: CodeBlock) => language === 'python' || /^aitbc-py /m.test(code);

const RUNNERS: Record<string, string> = { sh: '.', ts: 'node', python: 'python-sample' };

export const isRun = ({ language, remark }: CodeBlock) =>
  language in RUNNERS && !remark?.startsWith('not run: ');

function stepsOf(blocks: readonly CodeBlock[]): Step[] {
  return blocks.flatMap((block, index) => {
    if (!isRun(block)) return [];
    const next = blocks[index + 1];
    const shown = next?.language === 'text' ? next : undefined;
    return [{ ...block, file: `.guide/line-${block.line}.${block.language}`, shown }];
  });
}

/** Makes the folder look like the reader's checkout, from which packages are found. */
async function prepareFolder(folder: string, steps: readonly Step[]): Promise<void> {
  await mkdir(join(folder, '.guide/bin'), { recursive: true });
  // The command is bundled, since guides start it often.
  const command = `#!/bin/sh\nexec '${process.execPath}' '${inject('programs').main}' "$@"\n`;
  await writeFile(join(folder, '.guide/bin/aitbc'), command, { mode: 0o755 });
  for (const name of ['node_modules', 'packages', 'examples', 'python'])
    await symlink(join(ROOT, name), join(folder, name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await Promise.all(steps.map(({ file, code }) => writeFile(join(folder, file), code)));
  const script = [
    'set -euo pipefail',
    `. '${join(import.meta.dirname, 'guide.bash')}'`,
    ...steps.flatMap(({ file, language, remark }) => [
      ...(remark?.startsWith('stopped before: ') ? [`stop ${remark.slice('stopped before: '.length)}`] : []),
      `{ ${RUNNERS[language]} ./${file}; } > ${file}.out 2>&1`,
      `touch ${file}.done`,
    ]),
  ];
  await writeFile(join(folder, '.guide/script.sh'), script.join('\n'));
}

/** Runs the script in its own process group, which ends with it. */
async function run(folder: string, env: Record<string, string>): Promise<void> {
  const PATH = `${join(folder, '.guide/bin')}:${join(MODULES, '.bin')}:${process.env.PATH}`;
  const bash = spawn('bash', ['.guide/script.sh'], {
    cwd: folder,
    detached: true,
    stdio: 'ignore',
    env: {
      ...process.env,
      ...{ PATH, PYTHON, HOME: folder, XDG_STATE_HOME: join(folder, '.state') },
      ...{ PYTHONPATH: join(ROOT, 'python/src'), PYTHONDONTWRITEBYTECODE: '' },
      SAMPLES: join(import.meta.dirname, 'guide-samples.py'),
      ...env,
    },
  });
  await once(bash, 'exit');
  try {
    if (bash.pid) process.kill(-bash.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function faultsOf(steps: readonly Step[], folder: string, path: string): Promise<string[]> {
  const faults: string[] = [];
  for (const { line, file, shown } of steps) {
    const read = (suffix: string) => readFile(join(folder, file + suffix), 'utf8').catch(() => null);
    const printed = await read('.out');
    if ((await read('.done')) === null) return [...faults, `${path}:${line} fails: ${printed}`];
    if (shown && !patternOf(shown.code).test(printed ?? '')) {
      faults.push(`${path}:${shown.line} shows what is not printed, which is: ${printed}`);
    }
  }
  return faults;
}

/** What differs between runs: numbers, ids, keys, addresses, hashes and the widths of columns. */
const VOLATILE: readonly [RegExp, string][] = [
  [/…/, '[^]*?'],
  [/\b(?:job|rcpt|key)-[0-9a-z]+/, '(?:job|rcpt|key)-[0-9a-z]+'],
  [/\bait1[0-9a-z]+/, 'ait1[0-9a-z]+'],
  [/\b[\w-]{43}\b/, '[\\w-]{43}'],
  [/\b[0-9a-f]{32,}\b/, '[0-9a-f]{32,}'],
  [/\d[\d.]*/, '\\d[\\d.]*'],
  [/\s+/, '\\s+'],
];
const TOKENS = new RegExp(VOLATILE.map(([shape]) => `(${shape.source})`).join('|'), 'g');

function patternOf(shown: string): RegExp {
  const parts: string[] = [];
  let end = 0;
  for (const match of shown.trim().matchAll(TOKENS)) {
    parts.push(RegExp.escape(shown.trim().slice(end, match.index)));
    parts.push(VOLATILE[match.slice(1).findIndex(group => group !== undefined)]?.[1] ?? '');
    end = match.index + match[0].length;
  }
  parts.push(RegExp.escape(shown.trim().slice(end)));
  return new RegExp(`^\\s*${parts.join('')}\\s*$`);
}

/**
 * Returns a port below those that the system uses for outgoing connections, so that nobody takes it before
 * the guide's coordinator does.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
