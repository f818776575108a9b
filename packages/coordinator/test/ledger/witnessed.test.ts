import { join } from 'node:path';
import {
  formatVkey,
  leafHash,
  openCheckpoint,
  parseNote,
  parsePolicy,
  parseTlogProof,
  parseVkey,
  verifyTlogProof,
} from '@aitbc/tlog';
import { expect, onTestFinished, test } from 'vitest';
import { runWitness, type TestWitness } from '../../../witness/test/witnesses.ts';
import { backup, ConfigError, type StartOptions, startCoordinator } from '../../src/index.ts';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine, ENGINES, type Engine } from '../harness/engines.ts';
import { dishonest, MALLORYS_KEY } from '../harness/witnesses.ts';

const sqlite = ENGINES[0] as Engine;

/** Witnesses here are well, but the machine may be busy. */
const PATIENT = { witnessTimeoutSeconds: 30 };

async function run(engine: Engine, options: StartOptions = {}): Promise<TestCoordinator> {
  const coordinator = await startTestCoordinator(engine, { ...PATIENT, ...options });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** A coordinator with witnesses of its ledger, which read its key where it shows it. */
async function runWitnessed(engine: Engine, { names = ['alice', 'bob'], ...options }: Witnessed = {}) {
  const coordinator = await run(engine, options);
  const witnesses = await Promise.all(names.map(name => witnessOf(coordinator, name)));
  const witness = witnesses.map(addressOf);
  await coordinator.restart(undefined, { witness });
  return { coordinator, witnesses, witness };
}

interface Witnessed extends StartOptions {
  names?: string[];
}

const witnessOf = ({ url }: TestCoordinator, name: string) =>
  runWitness({ name: `witness.example/${name}`, logs: [], logsFrom: [`${url}/ledger`] });

const addressOf = ({ url, vkey }: TestWitness) => `${url}=${vkey}`;

async function text(coordinator: TestCoordinator, path: string): Promise<string> {
  return (await coordinator.call<string>('GET', path)).body;
}

/** Whose signatures are on the checkpoint that is published, verified, besides the log's. */
async function cosignersOf(coordinator: TestCoordinator, witnesses: readonly TestWitness[], quorum: number) {
  const log = parseVkey((await text(coordinator, '/ledger/vkey')).trim());
  const keys = witnesses.map(({ vkey }) => parseVkey(vkey));
  const note = await text(coordinator, '/ledger/checkpoint');
  const { size, signatures } = await openCheckpoint(note, { log, cosigners: { keys, quorum } });
  return { size, names: signatures.slice(1).map(({ key }) => key.name) };
}

/** Completes a job and answers the id of its receipt. */
async function earn(coordinator: TestCoordinator): Promise<string> {
  const { register, submit, claims, complete } = actions(coordinator);
  await register('earner', { capabilities: ['earned'] });
  await submit({ model: 'earned' });
  const [job] = await claims('earner', 1);
  const { receipt_id } = await complete(job?.job_id ?? '', 'earner');
  return receipt_id;
}

describeEachEngine('a ledger with two witnesses', engine => {
  test('is published as both have cosigned it', async () => {
    const { coordinator, witnesses } = await runWitnessed(engine);
    await earn(coordinator);
    await coordinator.publish();
    expect(await cosignersOf(coordinator, witnesses, 2)).toEqual({
      size: 1,
      names: ['witness.example/alice', 'witness.example/bob'],
    });
  });

  test('grows, and each checkpoint is cosigned', async () => {
    const { coordinator, witnesses } = await runWitnessed(engine);
    for (const size of [1, 2, 3]) {
      await earn(coordinator);
      await coordinator.publish();
      expect(await cosignersOf(coordinator, witnesses, 2)).toMatchObject({ size });
    }
  });

  test('shows a policy that its proofs meet', async () => {
    const { coordinator } = await runWitnessed(engine);
    const id = await earn(coordinator);
    await coordinator.publish();
    const policy = parsePolicy(await text(coordinator, '/ledger/policy'));
    const proof = await text(coordinator, `/v1/receipts/${id}/proof`);
    const entry = parseTlogProof(proof).extra ?? new Uint8Array();
    const { checkpoint } = await verifyTlogProof(proof, leafHash(entry), policy);
    expect(checkpoint.signatures).toHaveLength(3);
  });

  test('is published without the one that is away, whose signature is added when it is back', async () => {
    const { coordinator, witnesses } = await runWitnessed(engine);
    const [alice, bob] = witnesses as [TestWitness, TestWitness];
    await bob.close();
    await earn(coordinator);
    await coordinator.publish();
    const before = await coordinator.running.rooms.ledger.latest();
    expect(await cosignersOf(coordinator, witnesses, 1)).toEqual({ size: 1, names: [alice.name] });

    const { port } = new URL(bob.url);
    await runWitness({
      name: bob.name,
      data: bob.data,
      logs: [],
      logsFrom: [`${coordinator.url}/ledger`],
      port: Number(port),
    });
    coordinator.moveClock({ seconds: 60 });
    await coordinator.publish();
    expect(await cosignersOf(coordinator, witnesses, 2)).toEqual({ size: 1, names: [alice.name, bob.name] });
    const after = await coordinator.running.rooms.ledger.latest();
    expect({ ...after, note: '' }).toEqual({ ...before, note: '' });
    expect(after?.note.startsWith(before?.note ?? 'nothing')).toBe(true);
  });

  test('asks nobody again who has cosigned', async () => {
    const { coordinator, witnesses } = await runWitnessed(engine);
    await coordinator.publish();
    const [alice] = witnesses as [TestWitness];
    const asked = alice.events.length;
    await coordinator.publish();
    expect(alice.events).toHaveLength(asked);
  });

  test('goes on after a restart', async () => {
    const { coordinator, witnesses, witness } = await runWitnessed(engine);
    await earn(coordinator);
    await coordinator.publish();
    await coordinator.restart(undefined, { witness });
    await earn(coordinator);
    await coordinator.publish();
    expect(await cosignersOf(coordinator, witnesses, 2)).toMatchObject({ size: 2 });
  });

  test('is cosigned from where it is, when a witness comes later', async () => {
    const coordinator = await run(engine);
    await earn(coordinator);
    await coordinator.publish();
    const alice = await witnessOf(coordinator, 'alice');
    await coordinator.restart(undefined, { witness: [addressOf(alice)] });
    await coordinator.publish();
    expect(await cosignersOf(coordinator, [alice], 1)).toMatchObject({ size: 1 });
  });
});

describeEachEngine('the policy of a ledger', engine => {
  const quorumOf = async (coordinator: TestCoordinator) => {
    const { witnesses, groups, quorum } = parsePolicy(await text(coordinator, '/ledger/policy'));
    return [groups.find(({ name }) => name === quorum)?.threshold ?? 0, witnesses.length];
  };

  test('demands no witness where there is none', async () => {
    const coordinator = await run(engine);
    const vkey = (await text(coordinator, '/ledger/vkey')).trim();
    expect(await text(coordinator, '/ledger/policy')).toBe(`log ${vkey}\nquorum none\n`);
  });

  test.each([
    [1, ['alice']],
    [2, ['alice', 'bob']],
    [2, ['alice', 'bob', 'carol']],
  ])('demands %i of the witnesses %j', async (demanded, names) => {
    const { coordinator } = await runWitnessed(engine, { names });
    expect(await quorumOf(coordinator)).toEqual([demanded, names.length]);
  });

  test('demands as many as it is told', async () => {
    const { coordinator, witness } = await runWitnessed(engine);
    await coordinator.restart(undefined, { witness, witnessQuorum: 1 });
    expect(await quorumOf(coordinator)).toEqual([1, 2]);
  });

  test('can’t demand more than there are', async () => {
    const { coordinator, witness } = await runWitnessed(engine, { names: ['alice'] });
    const restarted = coordinator.restart(undefined, { witness, witnessQuorum: 2 });
    await expect(restarted).rejects.toThrow(
      new ConfigError("--witness-quorum 2 can't be met by 1 witnesses"),
    );
  });
});

test('a witness that hangs delays a checkpoint by no more than the timeout, once', async () => {
  const { coordinator, witnesses, witness } = await runWitnessed(sqlite, { names: ['alice'] });
  const { url, asked } = await dishonest(() => {});
  const mallory = `${url}=${formatVkey(MALLORYS_KEY)}`;
  await coordinator.restart(undefined, { witness: [...witness, mallory], witnessTimeoutSeconds: 3 });
  await earn(coordinator);
  await coordinator.publish();
  await earn(coordinator);
  await coordinator.publish();
  expect(await cosignersOf(coordinator, witnesses, 1)).toMatchObject({ size: 2 });
  expect(asked()).toBe(1);
});

test('coordinators that share a database have the ledger cosigned in turns', async () => {
  const { coordinator, witnesses, witness } = await runWitnessed(ENGINES[1] as Engine);
  const { config } = coordinator.running;
  const data = join(config.data, 'other');
  const signingKey = join(config.data, 'signing-key.pem');
  const { databaseUrl = '' } = config;
  const other = await startCoordinator({
    ...{
      ...PATIENT,
      data,
      databaseUrl,
      signingKey,
      witness,
      port: 0,
      logLevel: 'silent',
      ledgerInterval: 3600,
    },
    now: coordinator.now,
  });
  onTestFinished(() => other.close());
  for (const publish of [coordinator.publish, other.publish, coordinator.publish]) {
    await earn(coordinator);
    await publish();
  }
  expect(await cosignersOf(coordinator, witnesses, 2)).toMatchObject({ size: 3 });
});

test('a coordinator that was restored from an older backup is refused by the witness, and logs it', async () => {
  const { coordinator, witnesses, witness } = await runWitnessed(sqlite);
  const { config } = coordinator.running;
  await earn(coordinator);
  await coordinator.publish();
  const data = join(config.data, 'backup');
  await backup(config, data);
  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();

  const lines: string[] = [];
  const restored = (changed: StartOptions = {}) =>
    coordinator.restart(undefined, {
      data,
      witness,
      logLevel: 'warn',
      logStream: { write: line => lines.push(line) },
      ...changed,
    });
  await restored();
  await earn(coordinator);
  await coordinator.publish();
  expect(await cosignersOf(coordinator, witnesses, 0)).toEqual({ size: 2, names: [] });
  expect(lines.map(line => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      witness: 'witness.example/alice',
      detail: 'it has cosigned 3 entries already',
    }),
  );

  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();
  expect(await cosignersOf(coordinator, witnesses, 0)).toEqual({ size: 4, names: [] });
  expect(lines.map(line => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ level: 50, msg: 'the witness REFUSES to cosign the ledger' }),
  );
  const { signatures } = parseNote(await text(coordinator, '/ledger/checkpoint'));
  expect(signatures).toHaveLength(2);
});
