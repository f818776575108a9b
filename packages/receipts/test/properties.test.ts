import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Receipt, UnsignedReceipt } from '@aitbc/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressFromPublicKey,
  attestationBytes,
  canonicalJson,
  isAddress,
  microPrice,
  parseCanonicalJson,
  parseStrictJson,
  receiptBytes,
  roundCredits,
  type Signer,
  signAttestation,
  signerFromSeed,
  signReceipt,
  signReceiptJson,
  textHash,
  transferOf,
  verifyAttestation,
  verifyReceipt,
} from '../src/index.ts';
import { UNSIGNED } from './issued.ts';

const RUNS = { numRuns: 60 };

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ascii = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 });
const hash = fc.tuple(ascii, ascii).map(([salt, text]) => textHash(salt, text));
const address = seed.map(seed => addressFromPublicKey(signerFromSeed(seed).keyId));
const amount = fc.double({ min: 0, max: 1e6, noNaN: true }).map(roundCredits);
const metadata = fc.dictionary(
  ascii.filter(name => name !== 'signatures'),
  fc.oneof(ascii, amount, fc.boolean(), fc.constant(null), fc.array(ascii, { maxLength: 3 })),
  { maxKeys: 5 },
);

/** Generates any receipt that a coordinator could issue. */
const unsigned: fc.Arbitrary<UnsignedReceipt> = fc
  .record({
    started_ms: fc.nat(4e12),
    duration_ms: fc.nat(1e8),
    price: amount,
    text: ascii,
    prompt_hash: hash,
    artifact_hash: hash,
    provider: address,
    client: address,
    metadata,
  })
  .map(({ started_ms, text, ...fields }) => ({
    ...UNSIGNED,
    ...fields,
    receipt_id: `rcpt-${text}`,
    model: text,
    started_at: Math.floor(started_ms / 1000),
    completed_at: Math.floor((started_ms + fields.duration_ms) / 1000),
    units: fields.duration_ms / 1000,
    price: fields.duration_ms === 0 ? 0 : fields.price,
  }));

/** Returns the seed's key as node:crypto has it. */
function nodeKey(seed: Uint8Array) {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}

function nodeSigner(seed: Uint8Array): Signer {
  const { x = '' } = createPublicKey(nodeKey(seed)).export({ format: 'jwk' });
  return { keyId: x, sign: bytes => sign(null, bytes, nodeKey(seed)) };
}

test('whatever is signed verifies', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, seed, async (unsigned, seed) => {
      const signer = signerFromSeed(seed);
      const { checks } = await verifyReceipt(await signReceipt(unsigned, signer), { keys: [signer.keyId] });
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    }),
    RUNS,
  );
});

test('a receipt still verifies with its fields in another order, indented', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, seed, async (unsigned, seed) => {
      const signer = signerFromSeed(seed);
      const receipt = await signReceipt(unsigned, signer);
      const reordered = Object.fromEntries(Object.entries(receipt).reverse());
      const copy = parseStrictJson(JSON.stringify(reordered, null, 2));
      expect(await verifyReceipt(copy, { keys: [signer.keyId] })).toMatchObject({ valid: true });
    }),
    RUNS,
  );
});

/** Divides and rounds to the nearest whole number, halves up. */
const rounded = (numerator: bigint, divisor: bigint) => (2n * numerator + divisor) / (2n * divisor);

/** Up to a million credits in millionths, often such that prices end in halves. */
const microRate = fc.oneof(
  fc.nat(2_000),
  fc.maxSafeNat().map(rate => rate % (1e12 + 1)),
);

test('prices are exactly units × rate, whatever doubles make of it', async () => {
  await fc.assert(
    fc.property(fc.nat(1e9), microRate, fc.boolean(), (count, rate, areTokens) => {
      const exact = Number(rounded(BigInt(count) * BigInt(rate), 1000n));
      // Milliseconds are priced as thousandths of a second, and tokens by the thousand.
      const price = areTokens ? microPrice(count, rate / 1e6, 1000) : microPrice(count / 1000, rate / 1e6);
      expect(price).toBe(exact);
    }),
    { numRuns: 2_000 },
  );
});

test('a receipt has the exact price, and no other, up to its limit', async () => {
  const limit = fc.option(fc.nat(1e12), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(fc.nat(1e8), microRate, limit, async (duration_ms, rate, limit) => {
      const due = rounded(BigInt(duration_ms) * BigInt(rate), 1000n);
      const micros = Number(limit !== undefined && due > BigInt(limit) ? limit : due);
      fc.pre(micros <= 1e15);
      const times = { started_at: 0, completed_at: Math.floor(duration_ms / 1000), duration_ms };
      const metadata = { rate: rate / 1e6, ...(limit !== undefined && { max_price: limit / 1e6 }) };
      const receipt = { ...UNSIGNED, ...times, units: duration_ms / 1000, price: micros / 1e6, metadata };
      const signer = signerFromSeed(new Uint8Array(32).fill(1));
      const verify = async (price: number) =>
        await verifyReceipt(await signReceipt({ ...receipt, price }, signer), { keys: [signer.keyId] });
      expect(await verify(micros / 1e6)).toMatchObject({ valid: true });
      expect(await verify((micros + 1) / 1e6)).toMatchObject({ valid: false });
      expect(transferOf(await signReceipt(receipt, signer)).amount).toBe(micros);
    }),
    { numRuns: 150 },
  );
});

test('any one change of any field makes a receipt invalid', async () => {
  const signer = signerFromSeed(new Uint8Array(32).fill(1));
  const change = fc.oneof(fc.jsonValue(), amount, ascii, hash, address);
  await fc.assert(
    fc.asyncProperty(unsigned, fc.nat(), change, async (unsigned, pick, value) => {
      const receipt = await signReceipt(unsigned, signer);
      const places = leafPlaces(receipt);
      const place = places[pick % places.length] ?? [];
      const changed = replaceAt(receipt, place, value);
      fc.pre(canonicalJson(changed) !== canonicalJson(receipt));
      expect(await verifyReceipt(changed, { keys: [signer.keyId] })).toMatchObject({ valid: false });
    }),
    { numRuns: 150 },
  );
});

test('any one bit of a signature otherwise makes a receipt invalid', async () => {
  const signer = signerFromSeed(new Uint8Array(32).fill(1));
  const receipt = await signReceipt(UNSIGNED, signer);
  await fc.assert(
    fc.asyncProperty(fc.nat(511), async bit => {
      const bytes = Buffer.from(receipt.signature.sig, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const changed = { ...receipt, signature: { ...receipt.signature, sig: bytes.toString('base64url') } };
      expect(await verifyReceipt(changed, { keys: [signer.keyId] })).toMatchObject({ valid: false });
    }),
    RUNS,
  );
});

test('fields that are null leave the signed bytes as they are', () => {
  fc.assert(
    fc.property(unsigned, fc.array(ascii), (unsigned, names) => {
      const nulls = Object.fromEntries(
        names.filter(name => !Object.hasOwn(unsigned, name)).map(name => [name, null]),
      );
      expect(receiptBytes({ ...unsigned, ...nulls })).toEqual(receiptBytes(unsigned));
    }),
    RUNS,
  );
});

test('node:crypto and this package make the same signatures', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, seed, async (unsigned, seed) => {
      const receipt = await signReceipt(unsigned, signerFromSeed(seed));
      expect(await signReceipt(unsigned, nodeSigner(seed))).toEqual(receipt);
    }),
    RUNS,
  );
});

test('node:crypto verifies what this package has signed', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, seed, async (unsigned, seed) => {
      const { signature, ...rest } = await signReceipt(unsigned, signerFromSeed(seed));
      const key = createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: signature.key_id },
        format: 'jwk',
      });
      const sig = Buffer.from(signature.sig, 'base64url');
      expect(verify(null, receiptBytes(rest), key, sig)).toBe(true);
    }),
    RUNS,
  );
});

test('an attestation verifies for what it states and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, unsigned, seed, async (one, other, seed) => {
      const signature = await signAttestation(one, signerFromSeed(seed));
      const same = Buffer.compare(attestationBytes(one), attestationBytes(other)) === 0;
      expect(await verifyAttestation(one, signature)).toBe(true);
      expect(await verifyAttestation(other, signature)).toBe(same);
    }),
    RUNS,
  );
});

test('canonical JSON reads back as the same value, and writes the same again', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), value => {
      const text = canonicalJson(value);
      expect(canonicalJson(parseCanonicalJson(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test('canonical JSON does not depend on the order of members', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), members => {
      const reversed = Object.fromEntries(Object.entries(members).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(members));
    }),
    RUNS,
  );
});

test('no text is read by both JSON.parse and strict parsing as different values', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), text => {
      expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test('one wrong letter is found in any address', () => {
  const letter = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l');
  fc.assert(
    fc.property(address, fc.integer({ min: 4, max: 41 }), letter, (address, at, letter) => {
      fc.pre(address[at] !== letter);
      expect([isAddress(address), isAddress(address.slice(0, at) + letter + address.slice(at + 1))]).toEqual([
        true,
        false,
      ]);
    }),
    RUNS,
  );
});

/** Returns the paths of all values that are not objects with members. */
function leafPlaces(value: unknown, place: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [place];
  return Object.entries(value).flatMap(([name, member]) => leafPlaces(member, [...place, name]));
}

function replaceAt(receipt: Receipt, place: readonly string[], value: unknown): unknown {
  const copy = structuredClone(receipt);
  let holder: unknown = copy;
  for (const name of place.slice(0, -1)) holder = Reflect.get(holder as object, name);
  Object.defineProperty(holder, place.at(-1) ?? '', { value, enumerable: true, configurable: true });
  return copy;
}

test('a receipt signed as JSON is the canonical JSON of the signed receipt', async () => {
  await fc.assert(
    fc.asyncProperty(unsigned, seed, async (unsigned, seed) => {
      const signer = signerFromSeed(seed);
      expect(await signReceiptJson(unsigned, signer)).toBe(
        canonicalJson(await signReceipt(unsigned, signer)),
      );
    }),
    RUNS,
  );
});
