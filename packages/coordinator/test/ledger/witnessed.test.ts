import { copyFile, mkdir, readFile } from 'node:fs/promises';
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
import { backup, ConfigError, restore, type StartOptions, startCoordinator } from '../../src/index.ts';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { describeOneEngine, ENGINES, type Engine } from '../harness/engines.ts';
import { dishonest, MALLORYS_KEY, signs } from '../harness/witnesses.ts';

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

describeOneEngine('a ledger with two witnesses', engine => {
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
    const before = await coordinator.running.modules.ledger.latest();
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
    const after = await coordinator.running.modules.ledger.latest();
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

describeOneEngine('the policy of a ledger', engine => {
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
  await mkdir(data);
  await coordinator.publish();
  await copyFile(join(config.data, 'ledger-checkpoint'), join(data, 'ledger-checkpoint'));
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

/** Restored while the ledger was as in the backup: what was signed behind its back only the witness knows. */
async function runSetBack() {
  const { coordinator, witnesses, witness } = await runWitnessed(sqlite, { names: ['alice'] });
  const { config } = coordinator.running;
  await earn(coordinator);
  await coordinator.publish();
  const [copy, data] = [join(config.data, 'backup'), join(config.data, 'restored')];
  await backup(config, copy);
  await mkdir(data);
  await copyFile(join(config.data, 'ledger-checkpoint'), join(data, 'ledger-checkpoint'));
  expect((await restore({ ...config, data, witness: [] }, { backup: copy })).ledger).toBe('continued');
  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();
  const restart = async () => {
    await coordinator.restart(undefined, { data, witness });
    const file = () => readFile(join(data, 'ledger-checkpoint'), 'utf8');
    return { key: await coordinator.key('admin'), signed: async () => parseNote(await file()).text };
  };
  return { coordinator, witnesses, restart };
}

test('a coordinator that was set back, which its file does not give away, is stopped by the witness before it signs', async () => {
  const { coordinator, restart } = await runSetBack();
  const { key, signed } = await restart();
  const before = await signed();
  const receipt = await earn(coordinator);
  await coordinator.publish();
  expect(await signed()).toBe(before);
  expect(await cosignersOf(coordinator, [], 0)).toMatchObject({ size: 1 });
  const { body, status } = await coordinator.call('GET', '/health/ready', undefined, { key });
  expect([status, body]).toMatchObject([
    503,
    {
      detail: expect.stringContaining('ledger'),
      components: {
        store: { status: 'ok' },
        ledger: {
          status: 'failing',
          detail: expect.stringMatching(
            /has 2 entries, but a checkpoint that the witness witness.example\/alice has cosigned is over 3.*`aitbc restore`/,
          ),
        },
      },
    },
  ]);
  expect((await coordinator.call('GET', '/health/ready')).body).not.toHaveProperty('components');
  expect((await coordinator.call('GET', `/v1/receipts/${receipt}`)).body).toMatchObject({ inclusion: null });
});

test('a ledger that has grown as far as the witness knows it, with other entries, is stopped too', async () => {
  const { coordinator, witnesses, restart } = await runSetBack();
  await restart();
  for (const _ of [1, 2, 3]) await earn(coordinator);
  await coordinator.publish();
  expect(coordinator.running.modules.ledger.conflict()?.message).toMatch(
    /has other entries than a checkpoint/,
  );
  expect(await cosignersOf(coordinator, witnesses, 0)).toMatchObject({ size: 1 });
});

test('a witness that names a size, and shows no checkpoint for it, stops the ledger until it cosigns again', async () => {
  const { coordinator } = await runWitnessed(sqlite, { names: [] });
  let isAhead = false;
  const cosign = signs(MALLORYS_KEY.name, 66);
  const { url } = await dishonest((request, response) => {
    if (request.method === 'GET') return response.writeHead(404).end();
    if (!isAhead) return cosign(request, response);
    return response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('99\n');
  });
  await coordinator.restart(undefined, { witness: [`${url}=${formatVkey(MALLORYS_KEY)}`] });
  const publish = async () => {
    await earn(coordinator);
    await coordinator.publish();
    return (await cosignersOf(coordinator, [], 0)).size;
  };
  expect(await publish()).toBe(1);
  isAhead = true;
  expect(await publish()).toBe(1);
  expect(coordinator.running.modules.ledger.conflict()?.message).toMatch(
    /mallory says that it has cosigned 99 entries.*leave that witness out/,
  );
  isAhead = false;
  expect(await publish()).toBe(3);
});

test('a witness that shows what the ledger has not signed stops nothing', async () => {
  const { coordinator } = await runWitnessed(sqlite, { names: [] });
  const { url } = await dishonest((request, response) => {
    if (request.method === 'GET') return response.end('something else');
    return response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('99\n');
  });
  await coordinator.restart(undefined, { witness: [`${url}=${formatVkey(MALLORYS_KEY)}`] });
  await earn(coordinator);
  await coordinator.publish();
  expect(coordinator.running.modules.ledger.conflict()).toBeUndefined();
  expect(await cosignersOf(coordinator, [], 0)).toMatchObject({ size: 1 });
});
