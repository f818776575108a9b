import type { Generated } from 'kysely';
import type { Flagless, Json, MicroCredits, Time } from './values.ts';

/** Accounts that can owe or earn credits: owners of keys, and the addresses to which miners are paid. */
export interface AccountTable {
  id: Generated<number>;
  address: string;
  name: string | null;
  created_at: Time;
  /** Credits that were earned and granted, less those spent and paid out. Follows from the entries of the ledger. */
  balance: Flagless<MicroCredits>;
  /** The prices of all receipts that name the account as provider. Follows from the entries, like the next three. */
  earned: Flagless<MicroCredits>;
  /** Payouts that were not withdrawn, and those of them that the account confirmed or disputes. */
  paid_out: Flagless<MicroCredits>;
  payouts_confirmed: Flagless<MicroCredits>;
  payouts_disputed: Flagless<MicroCredits>;
  /** The part of the balance that unfinished jobs may cost. */
  reserved: Flagless<MicroCredits>;
  /** Receipts of jobs that the account submitted, of jobs that it ran, and of both. They follow from the entries, too. */
  jobs: Flagless<number>;
  jobs_run: Flagless<number>;
  receipts: Flagless<number>;
  /** Number of entries that name the account. */
  transactions: Flagless<number>;
  /** 1: the operator of the coordinator trusts the account, so the limits for owners of miners do not apply. */
  trusted: Flagless<number>;
  /** Number of unfinished jobs, where each run of a replicated job counts. */
  pending: Flagless<number>;
  running: Flagless<number>;
  /** Cost of all jobs of the account. */
  spent: Flagless<MicroCredits>;
  /** `spent` at the first submission on `spent_day` (days since the epoch). Kept for accounts with a daily budget. */
  spent_before: Flagless<MicroCredits>;
  spent_day: Flagless<number>;
  /** Bytes of the inputs of unfinished jobs, and of files. */
  input_bytes: Flagless<number>;
  file_bytes: Flagless<number>;
}

export interface ApiKeyTable {
  id: string;
  /** SHA-256 of the key, in hex. The key itself is shown once and stored nowhere. */
  hash: string;
  account_id: number;
  name: string | null;
  /** Space-separated. */
  scopes: string;
  /** The configured tier whose limits apply, or null for the default tier. */
  tier: Flagless<string | null>;
  /** The highest priority that jobs may have; null means 0. */
  max_priority: Flagless<number | null>;
  created_at: Time;
  expires_at: Time | null;
  revoked_at: Time | null;
  /** The models that the key may use, as a JSON array, or null for all. */
  allowed_models: Flagless<Json | null>;
  /** The ids of the key that made this one, of the key that made that one and so on, joined by spaces. */
  parent_ids: Flagless<string | null>;
  /** SHA-256 of the secret from before the last rotation, and until when that is valid. */
  old_hash: Flagless<string | null>;
  old_hash_expires_at: Flagless<Time | null>;
}

/** The spend limits of a key that has some. */
export interface KeyBudgetTable {
  /** The id of the key. */
  id: string;
  total_limit: MicroCredits | null;
  day_limit: MicroCredits | null;
  month_limit: MicroCredits | null;
  /** What unfinished jobs of the key, and of keys that it made, may cost. */
  reserved: MicroCredits;
  /** What ended jobs have cost: since the key has a budget, on `day`, and in `month`. */
  spent: MicroCredits;
  /** Days since the epoch. */
  day: number;
  day_spent: MicroCredits;
  /** Months since the epoch. */
  month: number;
  month_spent: MicroCredits;
}

export interface InvitationTable {
  id: string;
  /** SHA-256 of the token, in hex. */
  token_hash: string;
  /** What its keys may do. */
  settings: Json;
  /** How long its keys are valid, or null for ever. */
  key_valid_ms: number | null;
  max_uses: number;
  uses: number;
  /** The id of the key that made it. */
  created_by: string | null;
  created_at: Time;
  expires_at: Time;
  revoked_at: Time | null;
}

/** What the jobs of a key used, by day and model. */
export interface UsageTable {
  /** `DAY/KEY/MODEL`, or `DAY/account-NUMBER/MODEL` for callers without a key. */
  id: string;
  account_id: number;
  /** Empty for callers without a key. */
  key_id: string;
  /** Days since the epoch, in UTC. */
  day: number;
  model: string;
  /** Ended jobs, and those of them that failed or were cancelled. */
  jobs: number;
  failed: number;
  cancelled: number;
  tokens_in: number;
  tokens_out: number;
  credits: MicroCredits;
}

/** What a miner earned, by day and model. */
export interface EarningTable {
  /** `DAY/MINER/MODEL` */
  id: string;
  /** The account that was paid. */
  account_id: number;
  miner_id: string;
  day: number;
  model: string;
  /** Paid runs. */
  jobs: number;
  tokens_in: number;
  tokens_out: number;
  credits: MicroCredits;
}

/** What the ledger's entries moved from and to an account on a day. */
export interface AccountDayTable {
  /** `ACCOUNT/DAY` */
  id: string;
  /** Days since the epoch, in UTC. */
  day: number;
  received: MicroCredits;
  sent: MicroCredits;
  transactions: number;
}

/** Administrative actions. Triggers reject every change of a row. */
export interface AuditLogTable {
  id: Generated<number>;
  at: Time;
  action: string;
  target: string;
  source: string;
  key_id: string | null;
  account: string | null;
  origin: string | null;
  request_id: string | null;
  details: Json;
}

export interface IdempotencyTable {
  /** `ACCOUNT/KEY` */
  id: string;
  request_hash: string;
  /** Ids of the jobs, or of the grant, that the first request created. */
  created_ids: Json;
  expires_at: Time;
}
