import type { Generated } from 'kysely';
import type { Flagless, Json, MicroCredits, Time } from './values.ts';

/** Everyone who can owe or earn: owners of keys, and the addresses that miners are paid at. */
export interface AccountTable {
  id: Generated<number>;
  address: string;
  name: string | null;
  created_at: Time;
  /** What it earned and was granted, less what it owes: follows from the entries of the ledger. */
  balance: Flagless<MicroCredits>;
  /** What of it its jobs may yet cost. */
  reserved: Flagless<MicroCredits>;
  /** Receipts of jobs that it asked for, of jobs that it ran, and of either. They follow from the entries too. */
  jobs: Flagless<number>;
  jobs_run: Flagless<number>;
  receipts: Flagless<number>;
  /** Entries that name it. */
  transactions: Flagless<number>;
  /** 1: the operator of the coordinator vouches for it: no limits for owners of miners hold for it. */
  trusted: Flagless<number>;
  /** Its jobs that have not ended, runs counted each; kept by the transactions that change them. */
  pending: Flagless<number>;
  running: Flagless<number>;
  /** What all its jobs have cost. */
  spent: Flagless<MicroCredits>;
  /** The same when it first submitted on `spent_day`, in days since the epoch; kept where its days have a budget. */
  spent_before: Flagless<MicroCredits>;
  spent_day: Flagless<number>;
  /** Bytes of the inputs of its jobs that have not ended, and of its files. */
  input_bytes: Flagless<number>;
  file_bytes: Flagless<number>;
}

export interface ApiKeyTable {
  id: string;
  /** hex SHA-256 of the key: the key itself is shown once and kept nowhere. */
  hash: string;
  account_id: number;
  name: string | null;
  /** Space-separated. */
  scopes: string;
  /** Limits of the configuration that it has; the default ones where it names none. */
  tier: Flagless<string | null>;
  /** The highest priority that it may ask for; 0 where none is given. */
  max_priority: Flagless<number | null>;
  created_at: Time;
  expires_at: Time | null;
  revoked_at: Time | null;
}

export interface IdempotencyTable {
  /** `ACCOUNT/KEY` */
  id: string;
  request_hash: string;
  /** Ids of what the first request made: of jobs, or of a grant. */
  job_ids: Json;
  expires_at: Time;
}
