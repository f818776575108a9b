import { type Static, Type } from 'typebox';
import { Signature } from './common.ts';
import { RESTORE_VERSION } from './versions.ts';

/** A checkpoint of the ledger before a restore. */
const OldTree = {
  origin: Type.String({ description: 'The origin of that ledger.' }),
  tree_size: Type.Integer({ minimum: 0 }),
  root_hash: Type.String({ description: 'Base64 of 32 bytes, as in checkpoints.' }),
};

/**
 * The first entry of a new ledger, which a coordinator starts when its store was restored and the old ledger
 * can not continue. The signature covers the canonical JSON (RFC 8785) of all other fields.
 */
export const Restore = Type.Object(
  {
    type: Type.Literal('restore'),
    version: Type.Literal(RESTORE_VERSION),
    restore_id: Type.String({ examples: ['restore-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    ledger: Type.String({ description: 'The origin of the ledger that begins with this statement.' }),
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
          'The part of the previous ledger that the restored store has. The opening balances follow from exactly these entries.',
      },
    ),
    newest: Type.Optional(
      Type.Object(
        { ...OldTree, checkpoint: Type.String({ description: 'Base64 of the signed note.' }) },
        {
          description:
            'The newest checkpoint known at the restore, when the store does not have its tree. It has another origin when the restored store is older than an earlier restore.',
        },
      ),
    ),
    accounts: Type.Integer({ minimum: 0, description: 'How many entries of type `opening` follow.' }),
    balance_sum: Type.String({
      pattern: '^-?\\d+\\.\\d{6}$',
      description:
        'The sum of their balances in credits, with 6 decimals. It is a text because it may be too large for an exact number.',
    }),
    balances_hash: Type.String({
      description:
        'Hex SHA-256 of a line for each opening, `ADDRESS MILLIONTHS\\n`, in the order of the addresses. The entries have the same order.',
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

/** The balance of an account when a ledger begins after a restore. It is signed like the restore. */
export const Opening = Type.Object(
  {
    type: Type.Literal('opening'),
    version: Type.Literal(RESTORE_VERSION),
    opening_id: Type.String({ examples: ['opening-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    restore_id: Type.String({ description: 'The restore that this balance belongs to.' }),
    account: Type.String({ description: 'The address of the account.' }),
    balance: Type.Number({ description: 'Credits, at most 6 decimals. Below 0 for an account in debt.' }),
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
