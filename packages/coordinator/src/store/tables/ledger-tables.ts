import type { Json, MicroCredits, Time } from './values.ts';

/** A signed statement that moves credits, at its place in the log. */
export interface EntryTable {
  /** Counted from 0, without a gap. Below 0 in the ledgers that were before a restore, in their order. */
  leaf_index: number;
  /** The statement's own: of a receipt or of a grant. */
  id: string;
  type: 'receipt' | 'grant' | 'restore' | 'opening';
  job_id: string | null;
  /** Nobody pays for a grant. 0, which is nobody either, for an opening: the list of grants goes by null. */
  payer_id: number | null;
  /** 0 for a restore, which is of no account. */
  payee_id: number;
  amount: MicroCredits;
  /** The leaf hash of the body (RFC 6962), hex. */
  hash: string;
  /** Length of the body. */
  bytes: number;
  /** The whole signed statement as canonical JSON. */
  body: Json;
  created_at: Time;
}

/** The state of the log, one row. */
export interface TreeTable {
  id: number;
  /** Entries that have their place. */
  entries: number;
  /** Of them, those that the tiles have, with the root over them in hex and their bytes. */
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

/** Finds entries by their hashes; those that the tiles have. */
export interface EntryHashTable {
  /** hex */
  hash: string;
  leaf_index: number;
}

/** A tree that was published: a block of the explorer. */
export interface CheckpointTable {
  height: number;
  size: number;
  /** hex */
  root: string;
  /** hex SHA-256 of the text that is signed. */
  hash: string;
  parent_hash: string | null;
  /** With all signatures. */
  note: string;
  /** As the log's own cosignature says: full seconds. */
  signed_at: Time;
  published_at: Time;
  /** Of all entries up to its size. */
  bytes: number;
}

/** What was accounted for in an hour. */
export interface ActivityTable {
  /** Its beginning. */
  hour: Time;
  receipts: number;
  amount: MicroCredits;
}

export interface SigningKeyTable {
  key_id: string;
  created_at: Time;
  retired_at: Time | null;
}
