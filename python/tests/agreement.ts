/*
 * Makes receipts, spoils most of them, and prints for each line of JSON what @aitbc/receipts finds:
 * `{"text":…,"failed":[…],"entry":…}`. The first line says whose keys are trusted. Called with how many.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import {
  addressFromPublicKey,
  canonicalJson,
  parseStrictJson,
  signAttestation,
  signReceipt,
  textHash,
  verifyEntry,
  verifyReceipt,
} from '@aitbc/receipts';

const COUNT = Number(process.argv[2]);

/** Mulberry32: the same receipts each time. */
let state = 19;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (end: number) => Math.floor(random() * end);
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;

function signerOf(seed: number) {
  const der = Buffer.from(`302e020100300506032b657004220420${`0${seed}`.repeat(32)}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { keyId: x, sign: (bytes: Uint8Array) => sign(null, bytes, key) };
}
const [coordinator, miner, retired, stranger] = [signerOf(1), signerOf(2), signerOf(3), signerOf(4)];
const keys = [
  coordinator.keyId,
  { key_id: retired.keyId, retired_at: '2026-01-24T15:00:00.500Z' },
  { key_id: stranger.keyId, use: 'something-else' },
];

const [PROVIDER, CLIENT] = [addressFromPublicKey(miner.keyId), addressFromPublicKey(stranger.keyId)];

const millionths = (value: bigint) => Number(value) / 1e6;
const exact = (numerator: bigint, divisor: bigint) => (2n * numerator + divisor) / (2n * divisor);

function draw() {
  const byTokens = random() < 0.5;
  const [prompt, completion] = [below(5_000), below(5_000)];
  const rate = oneOf([500, 12_500, 25_500, 1_500, 300, below(1e9)]);
  const limit = random() < 0.3 ? below(1e6) : undefined;
  const duration_ms = below(oneOf([5_000, 6e8]));
  const count = byTokens ? prompt + completion : duration_ms;
  const full = exact(BigInt(count) * BigInt(rate), 1000n);
  const due = limit !== undefined && BigInt(limit) < full ? BigInt(limit) : full;
  const startMs = 1_769_266_000_000 + below(2_000_000);
  return {
    version: '1.0' as const,
    receipt_id: `rcpt-${below(1e9)}`,
    job_id: `job-${below(1e9)}`,
    provider: PROVIDER,
    client: CLIENT,
    units: byTokens ? count : count / 1000,
    unit_type: byTokens ? 'token' : 'gpu_second',
    price: millionths(due),
    model: 'llama3.2',
    prompt_hash: textHash('0'.repeat(32), `${below(1e9)}`),
    artifact_hash: textHash('0'.repeat(32), `${below(1e9)}`),
    started_at: Math.floor(startMs / 1000),
    completed_at: Math.floor((startMs + duration_ms) / 1000),
    duration_ms,
    coordinator_id: 'coordinator-example',
    nonce: `${below(1e9)}`,
    metadata: {
      miner_id: 'miner-1',
      [byTokens ? 'rate_per_1000' : 'rate']: rate / 1e6,
      ...(limit !== undefined && { max_price: limit / 1e6 }),
      usage: { prompt_tokens: prompt, completion_tokens: completion },
    } as Record<string, unknown>,
  };
}

const STRANGE: readonly unknown[] = [
  ...[
    null,
    true,
    '',
    'x',
    0,
    -0,
    1,
    -1,
    0.5,
    1e-7,
    1e21,
    1e300,
    2 ** 53,
    2 ** 53 - 1,
    0.1234567,
    [],
    {},
    [1],
  ],
  ...[
    'é',
    '\u2028',
    '😀',
    '1.0',
    'grant',
    'receipt',
    'token',
    'gpu_second',
    'Ed25519',
    'ed25519',
    'A'.repeat(43),
  ],
  ...[
    'A'.repeat(86),
    `${'A'.repeat(42)}B`,
    'f'.repeat(64),
    'F'.repeat(64),
    'ait1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',
  ],
];

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** Changes one member somewhere. */
function spoilValue(root: Tree): void {
  let tree = root;
  let name = oneOf(Object.keys(tree));
  while (isTree(tree[name]) && Object.keys(tree[name]).length > 0 && random() < 0.7) {
    tree = tree[name];
    name = oneOf(Object.keys(tree));
  }
  const value = tree[name];
  const kind = below(6);
  if (kind === 0 && !Array.isArray(tree)) delete tree[name];
  else if (kind === 1) tree[oneOf(['type', 'extra', 'é', 'inclusion', name.toUpperCase()])] = oneOf(STRANGE);
  else if (kind === 2 && typeof value === 'number')
    tree[name] = oneOf([value + 1, value / 3, -value, value * 1e6]);
  else if (kind === 3 && typeof value === 'string') tree[name] = flip(value);
  else tree[name] = oneOf(STRANGE);
}

/** Another letter somewhere. */
function flip(text: string): string {
  const at = below(Math.max(text.length, 1));
  return text.slice(0, at) + oneOf(['A', 'a', '0', '_', '=', ' ', 'é']) + text.slice(at + 1);
}

/** Changes how a text is spelled, or what it is. */
function spoilText(text: string): string {
  const numbers = Array.from(text.matchAll(/(?<=:)-?\d[\d.]*/g));
  const number = numbers.length > 0 ? oneOf(numbers) : undefined;
  const replaced = (by: string) =>
    number ? text.slice(0, number.index) + by + text.slice(number.index + number[0].length) : text;
  return oneOf([
    () => replaced(`${number?.[0]}${number?.[0].includes('.') ? '0' : '.0'}`),
    () => replaced(`${number?.[0]}e0`),
    () =>
      replaced(
        oneOf(['1e400', '-1e400', 'NaN', 'Infinity', '-0', '0.30000000000000004', '1E2', '01', '+1', '.5']),
      ),
    () =>
      replaced(oneOf(['9007199254740993', '123456789012345678901234567890', `${'9'.repeat(400)}`, '1e-400'])),
    () => text.replace('{', '{"price":1,'),
    () => text.replace('{', '{"\\u0070rice":1,'),
    () => text.replace('":"', '":"\\ud800'),
    () => text.replace('":"', '":"\\ud83d\\ude00'),
    () => text.replace('{', '{ \n\t'),
    () => text.replace('{', '{\u00a0'),
    () => `\ufeff${text}`,
    () => `${text}]`,
    () => text.slice(0, below(text.length)),
    () => {
      const depth = random() < 0.9 ? below(20) : oneOf([498, 499, 500, 501, 1_200]);
      return text.replace('{"', `{"deep":${'['.repeat(depth)}${']'.repeat(depth)},"`);
    },
    () => oneOf(['null', '[]', '""', '"é"', '1', '0.1234567', 'true', '{}', '']),
    () => flip(text),
  ])();
}

const parsed = (text: string): unknown => {
  try {
    return parseStrictJson(text);
  } catch {
    return undefined;
  }
};

console.log(JSON.stringify(keys));
for (let index = 0; index < COUNT; index++) {
  const drawn = draw();
  const isAttested = random() < 0.5;
  if (isAttested) drawn.metadata.signatures = [await signAttestation(drawn, oneOf([miner, stranger]))];
  const kind = below(6);
  // Changed before it was signed, or after, or in its text; or not at all.
  if (kind === 0) spoilValue(drawn as Tree);
  const receipt: Tree = structuredClone(
    await signReceipt(drawn, oneOf([coordinator, coordinator, coordinator, retired, stranger])),
  ) as unknown as Tree;
  if (kind === 1 || kind === 2) spoilValue(receipt);
  const plain = random() < 0.5 ? JSON.stringify(receipt) : canonicalJson(receipt);
  const text = kind >= 3 && kind <= 4 ? spoilText(plain) : plain;
  const { checks } = await verifyReceipt(parsed(text), { keys });
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  // One in five as an entry of the ledger, too.
  const entry = index % 5 === 0 ? (await verifyEntry(text, { keys: [coordinator.keyId] })).valid : null;
  console.log(JSON.stringify({ text, failed, entry }));
}
