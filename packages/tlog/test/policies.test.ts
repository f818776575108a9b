import { expect, test } from 'vitest';
import {
  formatPolicy,
  formatVkey,
  openCheckpoint,
  type Policy,
  parsePolicy,
  parseVkey,
  type TlogErrorCode,
} from '../src/index.ts';
import {
  checkpointText,
  LOG,
  LOG_COSIGNER,
  noteBy,
  ORIGIN,
  type Party,
  party,
  STRANGER,
  tlogError,
  WITNESSES,
} from './ledger.ts';
import { leaves, storedTree } from './trees.ts';
import vectors from './vectors/policies.json' with { type: 'json' };

const TEXT = checkpointText(300, storedTree(leaves(300)).root);

test.each(vectors.policies)('the policy of $name', ({ text, logs, witnesses, groups, quorum }) => {
  const withKey = ({ vkey, ...rest }: { vkey: string; name?: string; url?: string }) => ({
    ...rest,
    key: parseVkey(vkey),
  });
  const policy = parsePolicy(text);
  expect(policy).toEqual({ logs: logs.map(withKey), witnesses: witnesses.map(withKey), groups, quorum });
  expect(parsePolicy(new TextEncoder().encode(text))).toEqual(policy);
  expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
});

test.each(vectors.malformed)('no policy: $name', ({ text, code }) => {
  expect(() => parsePolicy(text)).toThrow(tlogError(code as TlogErrorCode));
});

test('no policy: more than a thousand lines', () => {
  expect(parsePolicy(`${'#\n'.repeat(999)}quorum none\n`)).toMatchObject({ quorum: null });
  expect(() => parsePolicy(`${'#\n'.repeat(1000)}quorum none\n`)).toThrow(tlogError('MALFORMED'));
});

test('what is wrong with a policy is told by its line', () => {
  expect(() => parsePolicy('# mine\n\nquorum me\n')).toThrow('Line 3: No line before this one defines "me"');
});

test.each([
  ['a name of two words', { witnesses: [{ name: 'a b', key: LOG_COSIGNER.key }] }],
  ['a name with a line in it', { quorum: 'a\nquorum none' }],
  ['a URL of nothing', { logs: [{ key: LOG.key, url: '' }] }],
  ['an unknown quorum', { quorum: 'nobody' }],
])('nothing is written with %s', (_, change) => {
  const policy: Policy = { logs: [], witnesses: [], groups: [], quorum: null, ...change };
  expect(() => formatPolicy(policy)).toThrow(tlogError('MALFORMED'));
});

/** Returns a policy about the tests' log and three witnesses. */
const policyOf = (quorum: string, log: Party = LOG) =>
  parsePolicy(
    `log ${formatVkey(log.key)}\n${WITNESSES.map(({ key }, index) => `witness w${index} ${formatVkey(key)}\n`).join('')}${quorum}\n`,
  );

const cases = vectors.policies.flatMap(({ name, text, enough, too_few }) => [
  ...enough.map(signed => ({ name, text, signed, outcome: 'enough' })),
  ...too_few.map(signed => ({ name, text, signed, outcome: 'too few' })),
]);
/** The seeds of the witnesses in the vectors. */
const SEEDS: Record<string, number> = { X1: 11, X2: 12, X3: 13, Y1: 21, Y2: 22, Y3: 23, K: 11, '\u212a': 12 };

test.each(cases)('by the policy of $name, $signed are $outcome', async ({ text, signed, outcome }) => {
  const policy = parsePolicy(`${policyLog(text)}${text}`);
  const cosigners = signed.map(name => {
    const key = policy.witnesses.find(witness => witness.name === name)?.key ?? LOG.key;
    return party(key.name, 'cosignature/v1', SEEDS[name] ?? 13);
  });
  const opening = openCheckpoint(await noteBy([LOG, ...cosigners], TEXT), policy);
  if (outcome === 'enough') expect((await opening).signatures).toHaveLength(1 + signed.length);
  else await expect(opening).rejects.toThrow(tlogError('TOO_FEW_COSIGNATURES'));
});

/** Returns a log line for a policy that has none. */
const policyLog = (text: string) => (text.includes('log ') ? '' : `log ${formatVkey(LOG.key)}\n`);

test('who has signed, and whose quorum is missing, is told', async () => {
  const [one = LOG] = WITNESSES;
  const opening = openCheckpoint(
    await noteBy([LOG, one], TEXT),
    policyOf('group both all w0 w1\nquorum both'),
  );
  await expect(opening).rejects.toThrow('Only w0 signed, which is not the quorum both');
  const lonely = openCheckpoint(await noteBy([LOG], TEXT), policyOf('quorum w0'));
  await expect(lonely).rejects.toThrow('No witness signed, which is not the quorum w0');
});

test('any of the logs of a policy may have signed, under its own origin', async () => {
  const other = party('other.example/log', 'Ed25519', 6);
  const policy = parsePolicy(`log ${formatVkey(LOG.key)}\nlog ${formatVkey(other.key)}\nquorum none\n`);
  const elsewhere = checkpointText(1, new Uint8Array(32), 'other.example/log');
  expect(await openCheckpoint(await noteBy([LOG], TEXT), policy)).toMatchObject({ origin: ORIGIN });
  expect(await openCheckpoint(await noteBy([other], elsewhere), policy)).toMatchObject({ size: 1 });
  await expect(openCheckpoint(await noteBy([LOG], elsewhere), policy)).rejects.toThrow(tlogError('UNSIGNED'));
});

test.each([
  ['is not in the policy', STRANGER, 'UNSIGNED'],
  ['has not signed', WITNESSES[0] ?? LOG, 'UNSIGNED'],
] as const)('a checkpoint whose log %s is rejected', async (_, signer, code) => {
  const opening = openCheckpoint(await noteBy([signer], TEXT), policyOf('quorum none'));
  await expect(opening).rejects.toThrow(tlogError(code));
});

test("a witness's signature that does not verify is no cosignature, whoever else has signed", async () => {
  const note = await noteBy([LOG, ...WITNESSES], TEXT);
  const lines = note.split('\n');
  const forged = note.replace(lines.at(-2) ?? '', (lines.at(-2) ?? '').replace(/.{8}$/, 'AAAAAAA='));
  const opening = openCheckpoint(forged, policyOf('quorum w0'));
  await expect(opening).rejects.toThrow(tlogError('BAD_SIGNATURE'));
});

test('an empty list of logs believes none', async () => {
  const policy = parsePolicy('quorum none\n');
  await expect(openCheckpoint(await noteBy([LOG], TEXT), policy)).rejects.toThrow(tlogError('UNSIGNED'));
});
