import { createHash } from 'node:crypto';
import { type Passport, PassportStatement } from '@aitbc/protocol';
import { signPassport } from '@aitbc/receipts';
import { contextLength } from './abilities.ts';
import type { Identity } from './identity.ts';
import { samplerFrom } from './sampling.ts';

export type PassportsByModel = ReadonlyMap<string, PassportStatement>;

type Member = keyof PassportStatement;
type Source = NonNullable<PassportStatement['engine']>['source'];

/** Builds a passport from values of one source. Values that are unknown or that no passport may have are left out. */
export function statement(
  source: Source,
  values: { [Name in Member]?: NonNullable<PassportStatement[Name]>['value'] | undefined },
): PassportStatement {
  const known = Object.entries(values).filter(([name, value]) => isAllowed(name as Member, value));
  return Object.fromEntries(known.map(([name, value]) => [name, { value, source }])) as PassportStatement;
}

/** Whether a value has the form that the protocol demands of this member. */
function isAllowed(name: Member, value: unknown): boolean {
  if (!Object.hasOwn(PassportStatement.properties, name)) return false;
  if (name === 'context_length') return contextLength(value) === value && value !== undefined;
  if (name === 'sampler') return isSampler(value);
  if (typeof value !== 'string') return false;
  const { pattern, maxLength = value.length } = Object(PassportStatement.properties[name]).properties.value;
  return value.length <= maxLength && (pattern === undefined || new RegExp(pattern).test(value));
}

function isSampler(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const known = samplerFrom(value);
  return known !== undefined && Object.keys(value).every(name => Object.hasOwn(known, name));
}

/**
 * Returns what an owner claims about models, from JSON: `{"MODEL": {"weights": "sha256:…", "quantization": "FP8"}}`.
 *
 * @throws {TypeError} that names the model and the member that no passport may have
 */
export function claimedPassports(claims: unknown): PassportsByModel {
  const entries = Object.entries(Object(claims)).map(([model, values]): [string, PassportStatement] => {
    const made = statement('claimed', Object(values));
    const wrong = Object.keys(Object(values)).find(name => !Object.hasOwn(made, name));
    if (wrong !== undefined) throw new TypeError(`The passport of ${model} can not have this ${wrong}`);
    return [model, made];
  });
  return new Map(entries);
}

export const digestOfText = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/**
 * Merges what the backend knows about models with what their owner claims. What the agent hashed or the engine told wins.
 */
export function mergePassports(
  models: readonly string[],
  known: PassportsByModel,
  claimed: PassportsByModel | undefined,
): Map<string, PassportStatement> {
  return new Map(
    models.flatMap(model => {
      const merged = { ...claimed?.get(model), ...known.get(model) };
      return Object.keys(merged).length > 0 ? [[model, merged] as const] : [];
    }),
  );
}

/** Signs a passport as the miner. */
export async function signedPassport(
  model: string,
  passport: PassportStatement,
  { minerId, signer }: Identity,
): Promise<Passport> {
  return { ...passport, signature: await signPassport({ miner_id: minerId, model, passport }, signer) };
}
