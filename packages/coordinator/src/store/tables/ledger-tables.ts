import type { PayoutStatus } from '@aitbc/protocol';
import type { Json, MicroCredits, Time } from './values.ts';

/** The entries of the log: signed statements that move credits. */
export interface EntryTable {
  /** Index in the log, from 0 without a gap. Negative for entries of ledgers before a restore, in their order. */
  leaf_index: number;
  /** Id of the statement, such as a receipt or a grant. */
  id: string;
  type: 'receipt' | 'grant' | 'restore' | 'opening' | 'payout' | 'payout_update';
  job_id: string | null;
  /** Null for a grant, which has no payer; the list of grants selects by null. 0 for other entries that have none. */
  payer_id: number | null;
  /** 0 for a payout, and for a restore, which belongs to no account. */
  payee_id: number;
  amount: MicroCredits;
  /** Leaf hash of the body (RFC 6962), in hex. */
  hash: string;
  /** Size of the body. */
  bytes: number;
  /** The whole signed statement as canonical JSON. */
  body: Json;
  created_at: Time;
}

/** Payouts, and what became of them. */
export interface PayoutTable {
  id: string;
  /** The account that was paid. */
  account_id: number;
  amount: MicroCredits;
  status: PayoutStatus;
  /** The ids of the entries that update it, as a JSON array, oldest first. */
  update_ids: Json;
}

/** The state of the log, in a single row. */
export interface TreeTable {
  id: number;
  /** Number of all entries. */
  entries: number;
  /** Number of entries in the tiles, with the root over them in hex and their size in bytes. */
  size: number;
  root: string;
  bytes: number;
}

/** A tile of the tree (C2SP tlog-tiles): up to 256 hashes of complete subtrees. */
export interface TileTable {
  /** `LEVEL/INDEX` */
  id: string;
  /** base64 */
  hashes: string;
}

/** The beginnings of leaf hashes, for the entries in the tiles. `ledger/entry-hashes.ts` finds entries by them. */
export interface EntryHashTable {
  leaf_index: number;
  segment: number;
  /** hex */
  prefix: string;
}

/** Published checkpoints, which are the explorer's blocks. */
export interface CheckpointTable {
  height: number;
  size: number;
  /** hex */
  root: string;
  /** SHA-256 of the signed text, in hex. */
  hash: string;
  parent_hash: string | null;
  /** The signed note with all signatures. */
  note: string;
  /** Time in the log's own cosignature, in full seconds. */
  signed_at: Time;
  published_at: Time;
  /** Size of all entries in the tree. */
  bytes: number;
}

/** The receipts of each hour. */
export interface ActivityTable {
  /** Beginning of the hour. */
  hour: Time;
  receipts: number;
  amount: MicroCredits;
}

export interface SigningKeyTable {
  key_id: string;
  created_at: Time;
  retired_at: Time | null;
}
