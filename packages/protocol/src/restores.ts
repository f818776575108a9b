import { type Static, Type } from 'typebox';
import { Signature } from './common.ts';
import { RESTORE_VERSION } from './versions.ts';

/** A checkpoint of the ledger that was before a restore. */
const OldTree = {
  origin: Type.String({ description: 'Of that ledger.' }),
  tree_size: Type.Integer({ minimum: 0 }),
  root_hash: Type.String({ description: 'Base64 of 32 bytes, as in checkpoints.' }),
};

/**
 * The first entry of a ledger that a coordinator starts where its store was restored and the ledger before can't go on. The
 * signature covers the canonical JSON (RFC 8785) of everything but `signature`.
 */
export const Restore = Type.Object(
  {
    type: Type.Literal('restore'),
    version: Type.Literal(RESTORE_VERSION),
    restore_id: Type.String({ examples: ['restore-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    ledger: Type.String({ description: 'Origin of the ledger that begins with this statement.' }),
    previous: Type.Object(
      {
        ...OldTree,
        checkpoint: Type.Optional(
          Type.String({
            description: 'Base64 of the newest checkpoint in the restored store, a signed note.',
          }),
        ),
      },
      {
        description:
          'The entries of the ledger before that the restored store has: the balances follow from these and from no others.',
      },
    ),
    newest: Type.Optional(
      Type.Object(
        { ...OldTree, checkpoint: Type.String({ description: 'Base64 of the signed note.' }) },
        {
          description:
            'The newest checkpoint that was known at the restore, where the store does not have its tree. Of another origin where the restored store is older than a restore before this one.',
        },
      ),
    ),
    accounts: Type.Integer({ minimum: 0, description: 'How many entries of the type opening follow.' }),
    balance_sum: Type.String({
      pattern: '^-?\\d+\\.\\d{6}$',
      description:
        'Credits of all of them, with 6 decimals; a text, as it may be beyond what a number is exact for.',
    }),
    balances_hash: Type.String({
      description:
        'Hex SHA-256 of a line for each opening, `ADDRESS MILLIONTHS\\n`, in the order of the addresses, which is that of the entries.',
    }),
    coordinator_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    nonce: Type.String(),
    metadata: Type.Object({}, { additionalProperties: true }),
    signature: Signature,
  },
  { $id: 'Restore' },
);
export type Restore = Static<typeof Restore>;
export type UnsignedRestore = Omit<Restore, 'signature'>;

/** What an account has when a ledger begins after a restore. Signed as the restore is. */
export const Opening = Type.Object(
  {
    type: Type.Literal('opening'),
    version: Type.Literal(RESTORE_VERSION),
    opening_id: Type.String({ examples: ['opening-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    restore_id: Type.String({ description: 'Of the restore that it belongs to.' }),
    account: Type.String({ description: 'Address.' }),
    balance: Type.Number({ description: 'Credits, at most 6 decimals. Below 0 for who owes.' }),
    coordinator_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    nonce: Type.String(),
    metadata: Type.Object({}, { additionalProperties: true }),
    signature: Signature,
  },
  { $id: 'Opening' },
);
export type Opening = Static<typeof Opening>;
export type UnsignedOpening = Omit<Opening, 'signature'>;
