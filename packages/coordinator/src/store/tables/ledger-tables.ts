import type { PayoutStatus } from '@aitbc/protocol';
import {
  defineKeptTable,
  defineTable,
  integerColumn,
  type Json,
  type MicroCredits,
  type Time,
  textColumn,
} from './define-table.ts';

export const ledgerTables = {
  /** The entries of the log: signed statements that move credits. */
  entry: defineTable('leaf_index', {
    /** Index in the log, from 0 without a gap. Negative for entries of ledgers before a restore, in their order. */
    leaf_index: integerColumn(),
    /** Id of the statement, such as a receipt or a grant. */
    id: textColumn(),
    type: textColumn<
      'receipt' | 'grant' | 'restore' | 'opening' | 'payout' | 'payout_update' | 'verification'
    >(),
    job_id: textColumn<string | null>(),
    /** Null for a grant, which has no payer; the list of grants selects by null. 0 for other entries that have none. */
    payer_id: integerColumn<number | null>(),
    /** 0 for a payout, and for a restore, which belongs to no account. */
    payee_id: integerColumn(),
    amount: integerColumn<MicroCredits>(),
    /** Leaf hash of the body (RFC 6962), in hex. */
    hash: textColumn(),
    /** Size of the body. */
    bytes: integerColumn(),
    /** The whole signed statement as canonical JSON. */
    body: textColumn<Json>(),
    created_at: integerColumn<Time>(),
  }),

  /** Payouts, and what became of them. */
  payout: defineTable('id', {
    id: textColumn(),
    /** The account that was paid. */
    account_id: integerColumn(),
    amount: integerColumn<MicroCredits>(),
    status: textColumn<PayoutStatus>(),
    /** The ids of the entries that update it, as a JSON array, oldest first. */
    update_ids: textColumn<Json>(),
  }),

  /** The state of the log, in a single row. */
  tree: defineKeptTable('id', {
    id: integerColumn(),
    /** Number of all entries. */
    entries: integerColumn(),
    /** Number of entries in the tiles, with the root over them in hex and their size in bytes. */
    size: integerColumn(),
    root: textColumn(),
    bytes: integerColumn(),
  }),

  /** A tile of the tree (C2SP tlog-tiles): up to 256 hashes of complete subtrees. */
  tile: defineTable('id', {
    /** `LEVEL/INDEX` */
    id: textColumn(),
    /** base64 */
    hashes: textColumn(),
  }),

  /** The beginnings of leaf hashes, for the entries in the tiles. `ledger/entry-hashes.ts` finds entries by them. */
  entry_hash: defineTable('leaf_index', {
    leaf_index: integerColumn(),
    segment: integerColumn(),
    /** hex */
    prefix: textColumn(),
  }),

  /** Published checkpoints, which are the explorer's blocks. */
  checkpoint: defineTable('height', {
    height: integerColumn(),
    size: integerColumn(),
    /** hex */
    root: textColumn(),
    /** SHA-256 of the signed text, in hex. */
    hash: textColumn(),
    parent_hash: textColumn<string | null>(),
    /** The signed note with all signatures. */
    note: textColumn(),
    /** Time in the log's own cosignature, in full seconds. */
    signed_at: integerColumn<Time>(),
    published_at: integerColumn<Time>(),
    /** Size of all entries in the tree. */
    bytes: integerColumn(),
  }),

  /** The receipts of each hour. */
  activity: defineTable('hour', {
    /** Beginning of the hour. */
    hour: integerColumn<Time>(),
    receipts: integerColumn(),
    amount: integerColumn<MicroCredits>(),
  }),

  signing_key: defineTable('key_id', {
    key_id: textColumn(),
    created_at: integerColumn<Time>(),
    retired_at: integerColumn<Time | null>(),
  }),
};
