import { createHash } from 'node:crypto';
import { openCheckpoint, parseCheckpoint, parseNote, parseVkey, verifyConsistency } from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { ORIGIN, type TestLog, testLog } from './log.ts';
import { spawnWitness, type WitnessProcess } from './witness-process.ts';
import { addCheckpoint, get, testFolder } from './witnesses.ts';

const KILLS = 12;
const BRANCHES = 6;
const HASH = createHash('sha256').update(ORIGIN).digest('hex');

/** A tree of the log. Several trees may have the same size. */
interface Tree {
  branch: TestLog;
  size: number;
}

/** A checkpoint that the witness returned cosigned. */
interface Received extends Tree {
  note: string;
}

/** Returns trees that each grow from the given one and contradict each other. */
function contradictory({ branch, size }: Tree): Tree[] {
  return Array.from({ length: BRANCHES }, (_, index) => ({
    branch: branch.forkedAt(size, `${index}`),
    size: size + 1 + index,
  }));
}

/** Sends all trees at once, and kills the witness as soon as this many are answered. */
async function askAndKill(witness: WitnessProcess, old: number, trees: Tree[], answers: number) {
  const received: Received[] = [];
  const killed = Promise.withResolvers<void>();
  let left = answers;
  const answered = () => {
    if (left-- === 0) witness.kill('SIGKILL').then(killed.resolve, killed.reject);
  };
  const asked = trees.map(async ({ branch, size }) => {
    const reply = await addCheckpoint(witness.url, await branch.request(old, size)).catch(() => undefined);
    if (reply?.status === 200) {
      received.push({ branch, size, note: (await branch.checkpoint(size)) + reply.text });
    }
    answered();
  });
  answered();
  await Promise.all([...asked, killed.promise]);
  return received;
}

/** Returns the candidate tree that the witness remembers. */
async function rememberedOf({ url }: WitnessProcess, candidates: readonly Tree[]): Promise<Tree> {
  const { status, text: note } = await get(`${url}/${HASH}/checkpoint`);
  for (const { branch, size } of candidates) {
    const same = status === 404 ? size === 0 : note.startsWith(await branch.checkpoint(size));
    if (same) return { branch, size };
  }
  throw new Error(`Nobody has asked for ${status} ${note}`);
}

test(`a witness killed ${KILLS} times never contradicts itself`, { timeout: 180_000 }, async () => {
  const data = await testFolder();
  const received: Received[] = [];
  let witness = await spawnWitness(data);
  const policy = { log: testLog().key, cosigners: { keys: [parseVkey(witness.vkey)], quorum: 1 } };
  let last: Tree = { branch: testLog(), size: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    const trees = contradictory(last);
    received.push(...(await askAndKill(witness, last.size, trees, [0, 1, BRANCHES][kill % 3] ?? 0)));
    witness = await spawnWitness(data);
    last = await rememberedOf(witness, [last, ...trees]);
  }
  await witness.kill('SIGTERM');

  expect(received.length).toBeGreaterThanOrEqual(KILLS / 3);
  received.sort((one, other) => one.size - other.size);
  for (const { size, note } of received) {
    const { root, size: signed } = await openCheckpoint(note, policy);
    const { root: now } = parseCheckpoint(parseNote(await last.branch.checkpoint(last.size)).text);
    const proof = await last.branch.proof(size, last.size);
    const growth = { from: signed, to: last.size, fromRoot: root, toRoot: now, proof };
    expect(verifyConsistency(growth)).toBe(true);
  }
});
