import type {
  JobConstraints,
  PassportStatement,
  PublicPassport,
  RegisterMiner,
  Signature,
} from '@aitbc/protocol';
import { canonicalJson, passportDigest, verifyPassport } from '@aitbc/receipts';
import { LRUCache } from 'lru-cache';
import { fail } from '../errors.ts';
import { parseJsonObject } from '../store/json.ts';

/*
 * What miners sign about their models. The statements are stored once each, by their digest; a miner's row has the
 * digest and the signature for each of its models, and what matching needs.
 */

/** What is kept with a miner about a model. */
export interface MinerPassport {
  digest: string;
  weights: string | null;
  quantization: string | null;
  signature: Signature;
}

/** A registered passport whose signature is valid. */
export interface ExaminedPassport extends MinerPassport {
  model: string;
  /** The statement as canonical JSON. */
  body: string;
}

/**
 * Checks the signatures of all passports of a registration. Those of models that it does not offer are left out.
 *
 * @throws {RequestError} for one that this miner's key did not sign
 */
export async function examinePassports(request: RegisterMiner): Promise<ExaminedPassport[]> {
  const { miner_id, public_key, capabilities, models = [] } = request;
  const offered = new Set(capabilities);
  const examined = models.map(async ({ model, passport: signed }, index) => {
    if (!signed || !offered.has(model)) return [];
    const { signature, ...passport } = signed;
    const field = `models.${index}.passport.signature`;
    if (public_key === undefined)
      fail('RECEIPT_INVALID_SIGNATURE', 'A passport needs the public_key that signed it', { field });
    if (signature.key_id !== public_key)
      fail('RECEIPT_INVALID_SIGNATURE', 'The passport is signed with another key than public_key', { field });
    if (!(await verifyPassport({ miner_id, model, passport }, signature)))
      fail('RECEIPT_INVALID_SIGNATURE', 'The signature does not fit the passport', { field });
    const { alg, key_id, sig } = signature;
    return [
      {
        ...{ model, digest: passportDigest(passport), body: canonicalJson(passport) },
        weights: passport.weights?.value ?? null,
        quantization: passport.quantization?.value.toUpperCase() ?? null,
        signature: { alg, key_id, sig },
      },
    ];
  });
  return (await Promise.all(examined)).flat();
}

/** Returns what a miner's row keeps, or null without passports. */
export function writePassports(passports: readonly ExaminedPassport[]): string | null {
  if (passports.length === 0) return null;
  return JSON.stringify(Object.fromEntries(passports.map(({ model, body: _, ...kept }) => [model, kept])));
}

type MinerPassports = ReadonlyMap<string, MinerPassport>;

/** A cache, because a miner's row is read at each of its claims. */
const parsed = new LRUCache<string, MinerPassports>({ max: 1_000 });
const NONE: MinerPassports = new Map();

/** Reads what a miner's row keeps. A damaged row has no passports. */
export function passportsIn(json: string | null): MinerPassports {
  if (json === null) return NONE;
  const cached = parsed.get(json);
  if (cached) return cached;
  const found = parseJsonObject(json) as Record<string, MinerPassport> | undefined;
  const passports = new Map(
    Object.entries(found ?? {}).filter(([, each]) => typeof each?.digest === 'string'),
  );
  parsed.set(json, passports);
  return passports;
}

/** Stands for the digest where replicas are compared that have no passport. */
export const NO_PASSPORT = '';

/** Returns the digest of the passport that a miner has registered for a model, or null. */
export const registeredDigest = ({ passports }: { passports: string | null }, model: string): string | null =>
  passportsIn(passports).get(model)?.digest ?? null;

/** Returns a passport as it is shown, or null if it is damaged. */
export function toPublicPassport(kept: MinerPassport, body: string | undefined): PublicPassport | null {
  const statement = body === undefined ? undefined : (parseJsonObject(body) as PassportStatement | undefined);
  return statement ? { digest: kept.digest, ...statement, signature: kept.signature } : null;
}

/** The members of `constraints` that demand something of a passport. */
export type PassportDemand = Pick<JobConstraints, 'model_digest' | 'quantization'>;

/** Returns the stored form of a demand: equal for equal demands, and empty if there is none. */
export function writeDemand({ model_digest, quantization }: PassportDemand = {}): string {
  if (model_digest === undefined && quantization === undefined) return '';
  return canonicalJson({
    ...(model_digest !== undefined && { model_digest }),
    ...(quantization !== undefined && { quantization: quantization.toUpperCase() }),
  });
}

const demands = new LRUCache<string, PassportDemand>({ max: 1_000 });

/** Reads the stored form of a demand. No passport meets a damaged one. */
export function readDemand(text: string): PassportDemand {
  if (text === '') return {};
  const cached = demands.get(text);
  if (cached) return cached;
  const demand = (parseJsonObject(text) as PassportDemand | undefined) ?? { model_digest: '' };
  demands.set(text, demand);
  return demand;
}

/** Returns a demand in words. */
export function demandText(text: string): string {
  const { model_digest, quantization } = readDemand(text);
  return [
    ...(model_digest === undefined ? [] : [`the weights ${model_digest}`]),
    ...(quantization === undefined ? [] : [`the quantization ${quantization}`]),
  ].join(' and ');
}

/** Returns what a passport does not have of a demand, in words; null if it meets the demand. */
export function unmetDemand(text: string, passport: MinerPassport | undefined): string | null {
  if (text === '') return null;
  const { model_digest, quantization } = readDemand(text);
  if (model_digest !== undefined && passport?.weights !== model_digest) return `the weights ${model_digest}`;
  if (quantization !== undefined && passport?.quantization !== quantization)
    return `the quantization ${quantization}`;
  return null;
}
