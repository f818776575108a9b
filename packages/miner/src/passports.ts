import { createHash } from 'node:crypto';
import { type Passport, PassportStatement } from '@aitbc/protocol';
import { signPassport } from '@aitbc/receipts';
import type { Identity } from './identity.ts';

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

/** Whether a text has the form that the protocol demands. */
function isAllowed(name: Member, value: unknown): boolean {
  if (typeof value !== 'string') return value !== undefined;
  const { pattern, maxLength = value.length } = Object(PassportStatement.properties[name]).properties.value;
  return value.length <= maxLength && (pattern === undefined || new RegExp(pattern).test(value));
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
