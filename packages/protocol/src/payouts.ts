import { type Static, Type } from 'typebox';
import { Address, CLOSED, Cursor, Nullable, PageQuery, Signature } from './common.ts';
import { LIMITS } from './limits.ts';
import { Inclusion } from './receipts.ts';
import { OPTIONAL_BODY, stated } from './stated.ts';
import { PAYOUT_VERSION } from './versions.ts';

/** What became of a payout. `withdrawn`: the operator took it back, and the credits are owed again. */
export const PAYOUT_STATUSES = ['unanswered', 'confirmed', 'disputed', 'withdrawn'] as const;

export const PayoutStatus = Type.Enum([...PAYOUT_STATUSES], {
  type: 'string',
  description:
    'unanswered: the provider has said nothing about it; confirmed or disputed: by the provider; withdrawn: by the operator, so that the credits are owed again.',
});
export type PayoutStatus = Static<typeof PayoutStatus>;

const publicText = (maxLength: number, description: string, examples: string[] = []) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[\\x20-\\x7e]+$',
    description: `${description} In ASCII, and public, like the whole ledger.`,
    ...(examples.length > 0 && { examples }),
  });

const signedBy = {
  coordinator_id: Type.String(),
  created_at: Type.Integer({ description: 'Unix seconds.' }),
  nonce: Type.String(),
};

const paidAmount = Type.Number({
  exclusiveMinimum: 0,
  maximum: LIMITS.price,
  description: 'Credits, at most 6 decimals.',
});

/**
 * The operator's signed statement that a provider was paid for credits that it had earned, outside of this network.
 * The signature covers the canonical JSON (RFC 8785) of all other fields.
 */
export const Payout = Type.Object(
  {
    type: Type.Literal('payout'),
    version: Type.Literal(PAYOUT_VERSION),
    payout_id: Type.String({ examples: ['payout-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    to: Type.String({ description: 'The address whose credits were paid for.' }),
    amount: paidAmount,
    method: Type.String({ description: 'By what means.', examples: ['SEPA transfer'] }),
    ...signedBy,
    metadata: Type.Object(
      { reference: Type.Optional(Type.String({ description: 'By what to find the payment.' })) },
      { additionalProperties: true },
    ),
    signature: Signature,
  },
  { $id: 'Payout' },
);
export type Payout = Static<typeof Payout>;
export type UnsignedPayout = Omit<Payout, 'signature'>;

/**
 * A signed statement about an earlier payout: its provider confirms or disputes it, or the operator withdraws it. The
 * coordinator's signature covers the canonical JSON of all other fields. A provider's own signature is in
 * `metadata.signatures`.
 */
export const PayoutUpdate = Type.Object(
  {
    type: Type.Literal('payout_update'),
    version: Type.Literal(PAYOUT_VERSION),
    update_id: Type.String({ examples: ['update-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    payout_id: Type.String(),
    to: Type.String({ description: 'The address of the payout.' }),
    amount: paidAmount,
    status: Type.Enum(['confirmed', 'disputed', 'withdrawn'], { type: 'string' }),
    ...signedBy,
    metadata: Type.Object(
      {
        reason: Type.Optional(Type.String()),
        signatures: Type.Optional(
          Type.Array(Signature, {
            description:
              'The signature of the provider. Without one, the coordinator recorded what the provider said with an API key.',
          }),
        ),
      },
      { additionalProperties: true },
    ),
    signature: Signature,
  },
  { $id: 'PayoutUpdate' },
);
export type PayoutUpdate = Static<typeof PayoutUpdate>;
export type UnsignedPayoutUpdate = Omit<PayoutUpdate, 'signature'>;

/** A payout with what was said about it since. */
export const TrackedPayout = Type.Object(
  {
    status: PayoutStatus,
    payout: Payout,
    updates: Type.Array(PayoutUpdate, { description: 'Oldest first.' }),
  },
  { $id: 'TrackedPayout' },
);
export type TrackedPayout = Static<typeof TrackedPayout>;

export const PublishedPayout = Type.Object(
  { ...TrackedPayout.properties, inclusion: Nullable(Inclusion) },
  {
    $id: 'PublishedPayout',
    description: '`inclusion` is the place of the payout; it is null until the ledger has published it.',
  },
);
export type PublishedPayout = Static<typeof PublishedPayout>;

/** An administrator's request for a payout. */
export const NewPayout = Type.Object(
  {
    to: Address('The address of the provider that was paid: `ait1…`.'),
    amount: Type.Number({
      exclusiveMinimum: 0,
      maximum: LIMITS.price,
      ...stated({ multipleOf: 0.000001 }),
      description: 'How many credits were paid for, at most 6 decimals.',
      examples: [100],
    }),
    method: publicText(LIMITS.payoutMethodLength, 'By what means.', ['SEPA transfer']),
    reference: Type.Optional(
      publicText(LIMITS.payoutReferenceLength, 'By what the provider finds the payment.', ['2026-01/17']),
    ),
  },
  { ...CLOSED, $id: 'NewPayout' },
);
export type NewPayout = Static<typeof NewPayout>;

const providerSignature = Type.Optional({
  ...Signature,
  description:
    'By the key whose address was paid, or by the key of a miner of the account that was paid. With it, no API key is needed.',
});

const reason = publicText(LIMITS.payoutReasonLength, 'Why.', ['Nothing has arrived']);

export const ConfirmPayout = Type.Object(
  { signature: providerSignature },
  { ...CLOSED, ...OPTIONAL_BODY, $id: 'ConfirmPayout' },
);
export type ConfirmPayout = Static<typeof ConfirmPayout>;

export const DisputePayout = Type.Object(
  { reason, signature: providerSignature },
  { ...CLOSED, $id: 'DisputePayout' },
);
export type DisputePayout = Static<typeof DisputePayout>;

export const WithdrawPayout = Type.Object({ reason }, { ...CLOSED, $id: 'WithdrawPayout' });
export type WithdrawPayout = Static<typeof WithdrawPayout>;

export const ListPayouts = Type.Object(
  {
    limit: PageQuery.properties.limit,
    cursor: Type.Optional(Cursor('^payout-[0-9a-z]{26}$')),
    account: Type.Optional(Address('Only payouts to this address.')),
    status: Type.Optional(PayoutStatus),
  },
  CLOSED,
);
export type ListPayouts = Static<typeof ListPayouts>;
