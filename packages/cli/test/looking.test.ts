import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

test('the list of jobs has a line for each, newest first', async () => {
  const jobs = await coordinator.client.jobs.submitBatch([
    { prompt: 'p', model: 'listed' },
    { prompt: 'p', model: 'listed' },
  ]);
  const { stdout } = await coordinator.aitbc(['jobs', 'list', '--model', 'listed']);
  const [head, ...lines] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^JOB +STATUS +MODEL +MINER +CREATED$/);
  expect(lines.map(line => line.split(/\s+/)[0])).toEqual(jobs.map(job => job.job_id).reverse());
});

test('a shortened list says so', async () => {
  await coordinator.client.jobs.submitBatch(Array.from({ length: 3 }, () => ({ prompt: 'p', model: 'cut' })));
  const { stdout, stderr } = await coordinator.aitbc(['jobs', 'list', '--model', 'cut', '--limit', '2']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(stderr).toContain('There are more');
});

test('--all lists beyond one page', async () => {
  await coordinator.client.jobs.submitBatch(
    Array.from({ length: 101 }, () => ({ prompt: 'p', model: 'all' })),
  );
  const { stdout } = await coordinator.aitbc(['jobs', '--model', 'all', '--all', '--json']);
  expect(JSON.parse(stdout)).toHaveLength(101);
});

test('an account is shown with its balance', async () => {
  const { stdout } = await coordinator.aitbc(['account']);
  const { address, billing } = await coordinator.client.accounts.own();
  expect(stdout).toMatch(
    new RegExp(
      `^Address +${address}\\nBalance +\\S+\\nReserved +0\\nAvailable +\\S+\\nBilling +${billing}\\n` +
        'Earned +0\\nPaid out +0\\nConfirmed +0\\nOpen +0\\nPayable +0\\n$',
    ),
  );
});

test('an empty list leaves the standard output empty', async () => {
  expect(await coordinator.aitbc(['jobs', 'list', '--model', 'none'])).toMatchObject({
    exitCode: 0,
    stdout: '',
  });
});

test('a job is shown with its result', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'shown' });
  await mineOne(coordinator.client, 'shown', 'Good day!');
  const { stdout } = await coordinator.aitbc(['jobs', 'get', job_id]);
  expect(stdout).toMatch(/^Status +completed$/m);
  expect(stdout).toMatch(/^Miner +miner-shown$/m);
  expect(stdout).toMatch(/\n\nGood day!\n$/);
});

test('a job that nobody can run says so', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'unknown-model' });
  const { queue } = await coordinator.client.jobs.get(job_id);
  const { stdout } = await coordinator.aitbc(['jobs', 'get', job_id]);
  expect(stdout).toContain(queue?.reason);
});

test('a job is shown when it has ended', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'get-wait' });
  const shown = coordinator.aitbc(['jobs', 'get', job_id, '--wait']);
  await mineOne(coordinator.client, 'get-wait', 'Good day!');
  expect((await shown).stdout).toContain('Good day!');
});

test('a job that does not exist is a failure', async () => {
  const { exitCode, stderr } = await coordinator.aitbc(['jobs', 'get', 'job-none']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('JOB_NOT_FOUND');
});

test('several jobs are cancelled at once', async () => {
  const jobs = await coordinator.client.jobs.submitBatch([
    { prompt: 'p', model: 'cancel' },
    { prompt: 'p', model: 'cancel' },
  ]);
  const { exitCode } = await coordinator.aitbc(['jobs', 'cancel', ...jobs.map(job => job.job_id)]);
  const after = await Array.fromAsync(coordinator.client.jobs.list({ model: 'cancel' }));
  expect({ exitCode, statuses: after.map(job => job.status) }).toEqual({
    exitCode: 0,
    statuses: ['cancelled', 'cancelled'],
  });
});

test('a job that can not be cancelled is a failure that leaves the others cancelled', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'cancel-one' });
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['jobs', 'cancel', 'job-none', job_id]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: `${job_id} cancelled\n` });
  expect(stderr).toContain('job-none');
});

test('the list of miners shows what each can run', async () => {
  await coordinator.client.jobs.submit({ prompt: 'p', model: 'mined' });
  await mineOne(coordinator.client, 'mined');
  const { stdout } = await coordinator.aitbc(['miners', '--status', 'online', '--all']);
  expect(stdout).toMatch(/^miner-mined +online +0.909 +mined +RTX 4090, 24 GB +0 +1 +0 /m);
});

test('a miner is shown with the jobs that it can run and why it can not run others', async () => {
  const { client } = coordinator;
  await client.miners.register({ miner_id: 'small', capabilities: ['load'], gpu_info: { memory: '8GB' } });
  await client.jobs.submit({ prompt: 'p', model: 'load', constraints: { min_vram_gb: 80 } });
  const { workload } = await client.miners.get('small');
  const { stdout } = await coordinator.aitbc(['miners', 'get', 'small']);
  expect(workload.blocked.find(({ model }) => model === 'load')?.reason).toBeTruthy();
  expect(stdout).toContain(workload.blocked.find(({ model }) => model === 'load')?.reason);
});

test('an administrator reinstates a miner', async () => {
  await coordinator.client.miners.register({ miner_id: 'pardoned', capabilities: ['pardon'] });
  const env = { AITBC_API_KEY: await coordinator.key('admin') };
  const { exitCode, stdout } = await coordinator.aitbc(['miners', 'reinstate', 'pardoned'], { env });
  expect([exitCode, stdout]).toEqual([0, 'pardoned gets jobs again: its reputation is 0.9.\n']);
});

test('an administrator removes a miner, whose id another key can have then', async () => {
  const { client } = coordinator;
  const register = (signer: { keyId: string }) =>
    client.miners.register({ miner_id: 'lost', capabilities: ['lost'], public_key: signer.keyId });
  await register(generateSigner());
  const env = { AITBC_API_KEY: await coordinator.key('admin') };
  const { exitCode, stdout } = await coordinator.aitbc(['miners', 'remove', 'lost'], { env });
  expect([exitCode, stdout]).toEqual([0, 'lost is removed.\n']);
  expect(await register(generateSigner())).toMatchObject({ miner_id: 'lost' });
});

test('the statistics are those of the coordinator', async () => {
  const { stdout } = await coordinator.aitbc(['stats', '--json']);
  expect(JSON.parse(stdout)).toEqual(await coordinator.client.stats());
});

test('the statistics are also lines for people', async () => {
  const { total_miners } = await coordinator.client.stats();
  const { stdout } = await coordinator.aitbc(['stats']);
  expect(stdout).toMatch(new RegExp(`^Miners +${total_miners}$`, 'm'));
});

test('jobs list --all lists all own jobs, and with an administrator’s key those of all accounts', async () => {
  const [admin, one, other] = [
    await coordinator.key('admin', 'client'),
    await coordinator.key('client'),
    await coordinator.key('client'),
  ];
  const ids: string[] = [];
  for (const apiKey of [one, other]) {
    const client = new CoordinatorClient(coordinator.url, { apiKey });
    ids.unshift((await client.jobs.submit({ prompt: 'p', model: 'of-all' })).job_id);
  }
  const listed = async (key: string, ...argv: string[]) => {
    const given = ['jobs', 'list', '--model', 'of-all', '--json', ...argv];
    const { stdout } = await coordinator.aitbc(given, { env: { AITBC_API_KEY: key } });
    return JSON.parse(stdout).map(({ job_id }: { job_id: string }) => job_id);
  };
  expect(await listed(admin)).toEqual([]);
  expect(await listed(admin, '--all')).toEqual(ids);
  expect(await listed(admin, '--all', '--limit', '1')).toEqual(ids.slice(0, 1));
  expect(await listed(one, '--all')).toEqual(ids.slice(1));
});
