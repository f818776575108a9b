import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

test('the standard output is the id of the job and nothing else', async () => {
  const { exitCode, stdout } = await coordinator.aitbc(['submit', 'Hello!']);
  expect(exitCode).toBe(0);
  expect(await coordinator.client.jobs.get(stdout.trim())).toMatchObject({
    prompt: 'Hello!',
    model: 'llama3.2',
  });
});

test('every option reaches the job', async () => {
  const options = [
    ...['--model', 'full', '--max-tokens', '5', '--temperature', '0.5', '--top-p', '0.9'],
    ...['--param', 'seed=7', '--param', 'stop=["x"]', '--param', 'style=terse'],
    ...[
      '--priority',
      '3',
      '--max-attempts',
      '5',
      '--min-vram',
      '8',
      '--region',
      'eu-west',
      '--max-price',
      '0.5',
    ],
    ...['--metadata', 'order=17'],
  ];
  const { stdout } = await coordinator.aitbc(['submit', 'Hello!', ...options, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    model: 'full',
    params: { max_tokens: 5, temperature: 0.5, top_p: 0.9, seed: 7, stop: ['x'], style: 'terse' },
    priority: 3,
    max_attempts: 5,
    constraints: { min_vram_gb: 8, region: 'eu-west', max_price: 0.5 },
    metadata: { order: 17 },
  });
});

test('a replicated job is shown with its runs', async () => {
  const { client } = coordinator;
  const asked = ['--replication', '2', '--temperature', '0', '--param', 'seed=7'];
  const { stdout } = await coordinator.aitbc(['submit', 'Hello!', '--model', 'checked', ...asked]);
  const keys = [await coordinator.key('miner'), await coordinator.key('miner')];
  for (const [index, apiKey] of keys.entries()) {
    const miner = new CoordinatorClient(coordinator.url, { apiKey });
    const miner_id = `checks-${index}`;
    await miner.miners.register({ miner_id, capabilities: ['checked'] });
    const [job] = await miner.miners.claimJobs(miner_id);
    await miner.jobs.complete(job?.job_id ?? '', { miner_id, result: '42' });
  }
  const jobId = stdout.trim();
  expect(await client.jobs.get(jobId)).toMatchObject({ status: 'completed', result: '42' });
  const shown = await coordinator.aitbc(['jobs', 'get', jobId]);
  expect(shown.stdout).toMatch(/^job-\S+ +completed +checks-0 +yes +rcpt-/m);
  const verified = await coordinator.aitbc(['receipt', 'verify', jobId]);
  expect(verified.stdout).toMatch(/✓ +prompt .*\n✓ +result /);
});

test('a time to live reaches the job', async () => {
  const { stdout } = await coordinator.aitbc(['submit', 'Hello!', '--ttl', '60', '--json']);
  const { created_at, expires_at } = JSON.parse(stdout);
  expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(60_000);
});

test('- takes the prompt from the standard input, without its last line break', async () => {
  const { stdout } = await coordinator.aitbc(['submit', '-'], { stdin: 'Zwei Zeilen:\nÄpfel\n' });
  expect(await coordinator.client.jobs.get(stdout.trim())).toMatchObject({ prompt: 'Zwei Zeilen:\nÄpfel' });
});

test('the same idempotency key gives the same job', async () => {
  const argv = ['submit', 'Hello!', '--idempotency-key', 'once'];
  const first = await coordinator.aitbc(argv);
  const second = await coordinator.aitbc(argv);
  expect(second.stdout).toBe(first.stdout);
});

test('with --wait the standard output is the result and nothing else', async () => {
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'waited', '--wait']);
  await mineOne(coordinator.client, 'waited', 'Good day!');
  expect(await submitted).toMatchObject({ exitCode: 0, stdout: 'Good day!\n' });
});

test('with --wait --json the standard output is the job', async () => {
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'waited-json', '--wait', '--json']);
  await mineOne(coordinator.client, 'waited-json', 'Good day!');
  const { stdout, stderr } = await submitted;
  expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', result: 'Good day!' });
  expect(stderr).toBe('');
});

test('while waiting the spinner shows the place in the queue', async () => {
  const argv = ['submit', 'Hello!', '--model', 'spun', '--wait', '--timeout', '0.05'];
  await coordinator.client.jobs.submit({ prompt: 'before', model: 'spun' });
  const { spun } = await coordinator.aitbc(argv);
  expect(spun[0]).toMatch(/position 2 in the queue/);
});

test('a job that fails is a failure that says why', async () => {
  const { client } = coordinator;
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'failing', '--wait']);
  await client.miners.register({ miner_id: 'failing', capabilities: ['failing'] });
  const [job] = await client.miners.claimJobs('failing', { wait: 10 });
  await client.jobs.fail(job?.job_id ?? '', {
    miner_id: 'failing',
    error: 'out of memory',
    retryable: false,
  });
  const { exitCode, stdout, stderr } = await submitted;
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain('out of memory (MINER_FAILED)');
});

test('a rejected job says that the request is at fault, with the engine’s code', async () => {
  const { client } = coordinator;
  const argv = ['submit', 'Hello!', '--model', 'refusing', '--wait', '--min-context', '4096'];
  argv.push('--only-miners', 'refusing,another', '--not-miners', 'third', '--first-miners', 'refusing');
  const submitted = coordinator.aitbc(argv);
  const models = [{ model: 'refusing', context_length: 4096 }];
  await client.miners.register({ miner_id: 'refusing', capabilities: ['refusing'], models });
  const [job] = await client.miners.claimJobs('refusing', { wait: 10 });
  expect(job?.constraints).toEqual({ min_context: 4096 });
  const miners = { only: ['another', 'refusing'], first: ['refusing'], not: ['third'] };
  const { constraints } = await client.jobs.get(job?.job_id ?? '');
  expect(constraints).toEqual({ min_context: 4096, miners });
  await client.jobs.fail(job?.job_id ?? '', {
    ...{ miner_id: 'refusing', error: 'The prompt is too long' },
    ...{ error_class: 'refused', engine_code: 'context_length_exceeded' },
  });
  expect((await submitted).stderr).toContain(
    'The prompt is too long (JOB_REFUSED, context_length_exceeded). The request is at fault',
  );
});

test('a wait that takes too long is a failure that says how to go on', async () => {
  const { exitCode, stderr } = await coordinator.aitbc([
    'submit',
    'Hello!',
    '--model',
    'none',
    '--wait',
    '--timeout',
    '0.05',
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/`aitbc jobs get job-\S+ --wait`/);
});

test('Ctrl-C before the coordinator has answered says that the job may exist', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['submit', 'Hello!'], {
    interrupt: pressed => pressed(),
  });
  expect(exitCode).toBe(130);
  expect(stderr).toContain('`aitbc jobs list`');
});

test('Ctrl-C while waiting shows the job’s id and how to wait again', async () => {
  const listeners: (() => void)[] = [];
  const interrupt = (pressed: () => void) => {
    listeners.push(pressed);
    if (listeners.length === 2) pressed();
  };
  const argv = ['submit', 'Hello!', '--model', 'interrupted', '--wait'];
  const { exitCode, stderr } = await coordinator.aitbc(argv, { interrupt });
  const [job] = await Array.fromAsync(coordinator.client.jobs.list({ model: 'interrupted' }));
  expect(exitCode).toBe(130);
  expect(stderr).toContain(`\`aitbc jobs get ${job?.job_id} --wait\``);
});

test('a value that the coordinator rejects is a failure with its reason and code', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['submit', 'Hello!', '--temperature', '3']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/temperature.*VALIDATION_OUT_OF_RANGE/);
});

test('with --json an error of the coordinator is JSON', async () => {
  const { stderr } = await coordinator.aitbc(['submit', 'Hello!', '--temperature', '3', '--json']);
  expect(JSON.parse(stderr)).toMatchObject({
    error: { error_code: 'VALIDATION_OUT_OF_RANGE', status: 400, field: 'params.temperature' },
  });
});

test('a wrong API key is a failure that says where to give the right one', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['submit', 'Hello!', '--api-key', 'wrong']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('AITBC_API_KEY');
});

test('control characters in a result are escaped on a terminal', async () => {
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'escapes', '--wait'], { isTTY: true });
  await mineOne(coordinator.client, 'escapes', 'a\u001b[2Jb\u0007c\td\r\n\u009b1m\r\u202etxt.exe\u2069');
  expect((await submitted).stdout).toBe('a\\u001b[2Jb\\u0007c\td\n\\u009b1m\\u000d\\u202etxt.exe\\u2069\n');
});

test('text in any script, with its marks and emoji, is shown as it is', async () => {
  const text = 'שלום عربي हिन्दी 日本語 é 👩‍👩‍👧 ✓';
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'scripts', '--wait'], { isTTY: true });
  await mineOne(coordinator.client, 'scripts', text);
  expect((await submitted).stdout).toBe(`${text}\n`);
});

test('a program gets a result exactly, on a terminal too', async () => {
  const argv = ['submit', 'Hello!', '--model', 'exact', '--wait', '--json'];
  const submitted = coordinator.aitbc(argv, { isTTY: true });
  const text = 'a\u001b[2Jb\r\n\u202ec';
  await mineOne(coordinator.client, 'exact', text);
  expect(JSON.parse((await submitted).stdout)).toMatchObject({ result: text });
});

test('a result for a file is unchanged', async () => {
  const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'raw', '--wait']);
  await mineOne(coordinator.client, 'raw', 'a\u001b[2Jb');
  expect((await submitted).stdout).toBe('a\u001b[2Jb\n');
});

test('--dry-run prints what the job may cost and submits nothing', async () => {
  const { stdout } = await coordinator.aitbc(['submit', 'Hello', '--model', 'nobody-has-it', '--dry-run']);
  expect(stdout).toMatch(/^Price +0\.01 credits for one GPU second$/m);
  expect(stdout).toMatch(/^Costs at most +6$/m);
  expect(stdout).toMatch(/^Reason +No live miner offers/m);
  const { items } = await coordinator.client.jobs.list({ model: 'nobody-has-it' }).page();
  expect(items).toEqual([]);
});
