import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTlogProof, inclusionProof } from '@aitbc/tlog';
import { expect, onTestFinished, test } from 'vitest';
import {
  type CheckpointOptions,
  createLog,
  LOG,
  LOG_COSIGNER,
  ORIGIN,
  party,
  WITNESS,
} from '../../../test/log.ts';
import { receiptEntries } from '../../../test/statements.ts';
import { aitbc } from './terminal.ts';

const OTHER = party('other.example', 'cosignature/v1', 8);
const NOWHERE = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };

async function save(files: Record<string, string>): Promise<(name: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return name => join(folder, name);
}

/** Verifies a receipt of a log whose checkpoint has these signatures, followed by these lines. */
async function verify(signed: CheckpointOptions, flags: string[], { policy = '', lines = '' } = {}) {
  const log = createLog(await receiptEntries(5));
  const bundle = formatTlogProof({
    index: 3,
    hashes: await inclusionProof(3, 5, log.read),
    checkpoint: (await log.checkpoint(signed)) + lines,
    extra: log.entries[3] ?? new Uint8Array(),
  });
  const file = await save({ 'receipt.tlog-proof': bundle, 'trusted.policy': policy });
  const argv = flags.map(flag => (flag === 'POLICY' ? file('trusted.policy') : flag));
  const run = await aitbc(['receipt', 'verify', file('receipt.tlog-proof'), '--json', ...argv], NOWHERE);
  const { checks, ledger } = JSON.parse(run.stdout);
  const found = (name: string) => checks.find((check: { name: string }) => check.name === name);
  return { ...run, ledger, found };
}

const VKEY = ['--vkey', LOG.vkey];

test('cosigning witnesses are listed with the time that they state', async () => {
  const by = [LOG, LOG_COSIGNER, WITNESS];
  const { exitCode, ledger, found } = await verify({ by }, [...VKEY, '--witness', WITNESS.vkey]);
  expect(exitCode).toBe(0);
  expect(found('witnesses').detail).toBe(
    'the quorum is met: cosigned by witness.example (2025-11-24T16:00:00Z)',
  );
  const witnesses = [{ name: 'witness.example', time: '2025-11-24T16:00:00Z' }];
  expect(ledger).toEqual({ origin: ORIGIN, index: 3, tree_size: 5, witnesses });
});

test('each named witness must have cosigned', async () => {
  const flags = [...VKEY, '--witness', WITNESS.vkey, '--witness', OTHER.vkey];
  const { exitCode, found } = await verify({ by: [LOG, OTHER] }, flags);
  expect(exitCode).toBe(1);
  expect(found('witnesses')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('Only other.example'),
  });
});

const policy = (quorum: string) =>
  `log ${LOG.vkey}\nwitness one ${WITNESS.vkey}\nwitness two ${OTHER.vkey}\ngroup any-of-both any one two\nquorum ${quorum}\n`;

test.each([
  ['none', 0],
  ['two', 0],
  ['any-of-both', 0],
  ['one', 1],
])('by a policy with the quorum %s, where two has cosigned, the exit code is %i', async (quorum, code) => {
  const { exitCode } = await verify({ by: [LOG, OTHER] }, ['--policy', 'POLICY'], { policy: policy(quorum) });
  expect(exitCode).toBe(code);
});

test('a witness’s bad signature is an error that names the witness', async () => {
  const elsewhere = await createLog(await receiptEntries(4)).checkpoint({ by: [WITNESS] });
  const lines = `${elsewhere.split('\n').at(-2)}\n`;
  const flags = [...VKEY, '--witness', WITNESS.vkey];
  const { exitCode, found } = await verify({ by: [LOG] }, flags, { lines });
  expect(exitCode).toBe(1);
  expect(found('checkpoint')).toMatchObject({ ok: true });
  expect(found('witnesses')).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/^The signature of witness.example \([0-9a-f]{8}\) does not verify$/),
  });
});

test('signatures by unknown keys are ignored', async () => {
  const lines = `— grease.example ${Buffer.from('grease').toString('base64')}\n`;
  expect(await verify({ by: [LOG] }, VKEY, { lines })).toMatchObject({ exitCode: 0 });
});

test('a checkpoint of another tree does not have the receipt', async () => {
  const root = new Uint8Array(32);
  const { exitCode, found } = await verify({ root }, VKEY);
  expect(exitCode).toBe(1);
  expect(found('checkpoint')).toMatchObject({ ok: true });
  expect(found('inclusion')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('not entry 3 of 5'),
  });
});
