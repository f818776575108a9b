import type {
  Grant,
  Opening,
  Payout,
  PayoutUpdate,
  Receipt,
  Restore,
  Signature,
  VerificationStatement,
} from '@aitbc/protocol';
import { isAddress } from './addresses.ts';
import { decodeBase64url } from './signature.ts';

/** A field's rule: what the value must be, in words, and the test for it. */
type Rule = readonly [words: string, test: (value: unknown) => boolean];
/** Every member of T needs a rule, so a new field in the protocol does not compile until it has one. */
type Rules<T> = { readonly [Name in keyof T]-?: Rule };

const HASH = /^[0-9a-f]{64}$/;

const text: Rule = ['a text that is not empty', value => typeof value === 'string' && value !== ''];
const amount: Rule = ['a number of at least 0', value => typeof value === 'number' && value >= 0];
const whole: Rule = [
  'a whole number of at least 0',
  value => Number.isSafeInteger(value) && Number(value) >= 0,
];
const hash: Rule = ['64 small hex digits', value => typeof value === 'string' && HASH.test(value)];
const address: Rule = ['an address (ait1…)', isAddress];
const object: Rule = ['an object', isObject];
const bytes = (count: number): Rule => [
  `${count} bytes in unpadded base64url`,
  value => typeof value === 'string' && decodeBase64url(value)?.length === count,
];

const positive: Rule = ['a number above 0', value => typeof value === 'number' && value > 0];

/** Metadata that may have a text of this name. */
const withText = (name: string): Rule => [
  `an object whose ${name}, if there is one, is a text`,
  value => isObject(value) && (!Object.hasOwn(value, name) || typeof value[name] === 'string'),
];

/** Hashes that a receipt's metadata may have. Receipts of earlier versions have none. */
const RECEIPT_HASHES = ['passport', 'parameters_hash', 'rendered_prompt_hash'];
const receiptMetadata: Rule = [
  `an object whose ${RECEIPT_HASHES.join(', ')}, where there are, have 64 small hex digits`,
  value =>
    isObject(value) && RECEIPT_HASHES.every(name => !Object.hasOwn(value, name) || hash[1](value[name])),
];

const oneOf = (...texts: readonly string[]): Rule => [
  texts.map(text => JSON.stringify(text)).join(' or '),
  value => typeof value === 'string' && texts.includes(value),
];

const typed = (type: string): Rule => [JSON.stringify(type), value => value === type];

/** What the coordinator puts at the end of each statement. */
const ISSUED = {
  coordinator_id: text,
  created_at: whole,
  nonce: text,
  metadata: object,
  signature: object,
};

/** The `algorithm` check covers which algorithm it is. */
const SIGNATURE: Rules<Signature> = {
  alg: text,
  key_id: bytes(32),
  sig: bytes(64),
};

/** The `version` check covers which version it is. */
const RECEIPT: Rules<Receipt> = {
  version: text,
  receipt_id: text,
  job_id: text,
  provider: address,
  client: address,
  units: amount,
  unit_type: text,
  price: amount,
  model: text,
  prompt_hash: hash,
  artifact_hash: hash,
  started_at: whole,
  completed_at: whole,
  duration_ms: whole,
  coordinator_id: text,
  nonce: text,
  metadata: receiptMetadata,
  signature: object,
};

/** The `version` check covers which version it is. */
const GRANT: Rules<Grant> = {
  type: typed('grant'),
  version: text,
  grant_id: text,
  to: address,
  amount: positive,
  ...ISSUED,
  metadata: withText('reason'),
};

const PAYOUT: Rules<Payout> = {
  type: typed('payout'),
  version: text,
  payout_id: text,
  to: address,
  amount: positive,
  method: text,
  ...ISSUED,
  metadata: withText('reference'),
};

const PAYOUT_UPDATE: Rules<PayoutUpdate> = {
  type: typed('payout_update'),
  version: text,
  update_id: text,
  payout_id: text,
  to: address,
  amount: positive,
  status: [
    '"confirmed", "disputed" or "withdrawn"',
    value => value === 'confirmed' || value === 'disputed' || value === 'withdrawn',
  ],
  ...ISSUED,
  metadata: withText('reason'),
};

/** A rule for a member that may also be null. */
const orNull = ([words, test]: Rule): Rule => [`${words}, or null`, value => value === null || test(value)];

const flag: Rule = ['true or false', value => typeof value === 'boolean'];
const number: Rule = ['a number', value => typeof value === 'number'];

/** Causes, rules and reasons may be added later, so any text is one. */
const VERIFICATION: Rules<VerificationStatement> = {
  type: typed('verification'),
  version: text,
  verification_id: text,
  cause: text,
  about: orNull(text),
  job_id: text,
  receipt_id: text,
  miner_id: text,
  passport: hash,
  weights: orNull(text),
  answered_at: whole,
  verifier_id: orNull(text),
  verifier: orNull(address),
  engine: orNull(text),
  rule: orNull(text),
  tokens: whole,
  sum: number,
  variance: amount,
  judgement: oneOf('consistent', 'accused', 'inconclusive'),
  reason: orNull(text),
  scores_hash: orNull(hash),
  counts: flag,
  clears: flag,
  draw: orNull(whole),
  ...ISSUED,
};

const root: Rule = [
  '32 bytes in base64',
  value => typeof value === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(value),
];
const base64: Rule = [
  'a text in base64',
  value => typeof value === 'string' && value !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(value),
];

/** `newest` is left out because it is optional. */
const RESTORE: Rules<Omit<Restore, 'newest'>> = {
  type: typed('restore'),
  version: text,
  restore_id: text,
  ledger: text,
  previous: object,
  accounts: whole,
  balance_sum: [
    'a decimal with 6 decimals',
    value => typeof value === 'string' && /^-?(0|[1-9]\d*)\.\d{6}$/.test(value),
  ],
  balances_hash: hash,
  ...ISSUED,
};

const OLD_TREE: Rules<NonNullable<Restore['newest']>> = {
  origin: text,
  tree_size: whole,
  root_hash: root,
  checkpoint: base64,
};

const OPENING: Rules<Opening> = {
  type: typed('opening'),
  version: text,
  opening_id: text,
  restore_id: text,
  account: address,
  balance: ['a number', value => typeof value === 'number'],
  ...ISSUED,
};

/** An object whose members are not checked yet. */
export type Members = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns what is wrong with a receipt's shape, one sentence for each fault; empty when it is a receipt.
 * Unknown fields are allowed, because the signature covers them. Unknown members of the signature itself are
 * faults, because it does not.
 */
export function receiptFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  // Otherwise one ledger entry could be read both as a receipt and as another kind of statement.
  if (Object.hasOwn(value, 'type')) return [`it says in "type" that it is something else`];
  return [...memberFaults(value, RECEIPT), ...signatureFaults(value.signature, 'signature.')];
}

/** Returns what is wrong with a grant's shape, one sentence for each fault; empty when it is a grant. */
export function grantFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  return [...memberFaults(value, GRANT), ...signatureFaults(value.signature, 'signature.')];
}

/** Returns what is wrong with a restore's shape, one sentence for each fault; empty when it is a restore. */
export function restoreFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  const { previous, newest } = value;
  return [
    ...memberFaults(value, RESTORE),
    ...(isObject(previous) ? previousFaults(previous) : []),
    ...(Object.hasOwn(value, 'newest') ? treeFaults(newest, 'newest.') : []),
    ...signatureFaults(value.signature, 'signature.'),
  ];
}

/** `checkpoint` may be missing: a store that had published nothing has none. */
function previousFaults(previous: Members): string[] {
  const { checkpoint, ...tree } = OLD_TREE;
  const rules = { ...tree, ...(Object.hasOwn(previous, 'checkpoint') && { checkpoint }) };
  return memberFaults(previous, rules, 'previous.');
}

const treeFaults = (value: unknown, prefix: string) =>
  isObject(value) ? memberFaults(value, OLD_TREE, prefix) : [`${prefix.slice(0, -1)} is not an object`];

/** Returns what is wrong with a payout's shape, one sentence for each fault; empty when it is a payout. */
export function payoutFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  return [...memberFaults(value, PAYOUT), ...signatureFaults(value.signature, 'signature.')];
}

/** Returns what is wrong with the shape of an update of a payout, as {@link payoutFaults} does. */
export function payoutUpdateFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  return [...memberFaults(value, PAYOUT_UPDATE), ...signatureFaults(value.signature, 'signature.')];
}

/** Returns what is wrong with a verification's shape, as {@link payoutFaults} does. */
export function verificationFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  return [...memberFaults(value, VERIFICATION), ...signatureFaults(value.signature, 'signature.')];
}

/**
 * Returns what is wrong with an opening balance's shape, one sentence for each fault; empty when it is one.
 */
export function openingFaults(value: unknown): string[] {
  if (!isObject(value)) return ['it is not an object'];
  return [...memberFaults(value, OPENING), ...signatureFaults(value.signature, 'signature.')];
}

/**
 * Returns what is wrong with a signature's members. `prefix` goes before their names. Empty for a value that
 * is not an object.
 */
export function signatureFaults(value: unknown, prefix = ''): string[] {
  if (!isObject(value)) return [];
  const strangers = Object.keys(value).filter(name => !Object.hasOwn(SIGNATURE, name));
  return [
    ...memberFaults(value, SIGNATURE, prefix),
    ...strangers.map(name => `${prefix}${name} does not belong there`),
  ];
}

function memberFaults(value: Members, rules: Readonly<Record<string, Rule>>, prefix = ''): string[] {
  return Object.entries(rules).flatMap(([name, [words, test]]) => {
    if (!Object.hasOwn(value, name)) return [`${prefix}${name} is missing`];
    return test(value[name]) ? [] : [`${prefix}${name} is not ${words}`];
  });
}
