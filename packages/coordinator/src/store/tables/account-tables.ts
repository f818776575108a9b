import type { Generated } from 'kysely';
import {
  type Defaulted,
  defineKeptTable,
  defineTable,
  integerColumn,
  type Json,
  type MicroCredits,
  sumColumn,
  type Time,
  textColumn,
} from './define-table.ts';

export const accountTables = {
  /** Accounts that can owe or earn credits: owners of keys, and the addresses to which miners are paid. */
  account: defineKeptTable('id', {
    id: integerColumn<Generated<number>>(),
    address: textColumn(),
    name: textColumn<string | null>(),
    created_at: integerColumn<Time>(),
    /** Credits that were earned and granted, less those spent and paid out. Follows from the entries of the ledger. */
    balance: integerColumn<Defaulted<MicroCredits>>(),
    /** The prices of all receipts that name the account as provider. Follows from the entries, like the next three. */
    earned: integerColumn<Defaulted<MicroCredits>>(),
    /** Payouts that were not withdrawn, and those of them that the account confirmed or disputes. */
    paid_out: integerColumn<Defaulted<MicroCredits>>(),
    payouts_confirmed: integerColumn<Defaulted<MicroCredits>>(),
    payouts_disputed: integerColumn<Defaulted<MicroCredits>>(),
    /** The part of the balance that unfinished jobs may cost. */
    reserved: integerColumn<Defaulted<MicroCredits>>(),
    /** Receipts of jobs that the account submitted, of jobs that it ran, and of both. They follow from the entries, too. */
    jobs: integerColumn<Defaulted<number>>(),
    jobs_run: integerColumn<Defaulted<number>>(),
    receipts: integerColumn<Defaulted<number>>(),
    /** Number of entries that name the account. */
    transactions: integerColumn<Defaulted<number>>(),
    /** 1: the operator of the coordinator trusts the account, so the limits for owners of miners do not apply. */
    trusted: integerColumn<Defaulted<number>>(),
    /** Number of unfinished jobs, where each run of a replicated job counts. */
    pending: integerColumn<Defaulted<number>>(),
    running: integerColumn<Defaulted<number>>(),
    /** Cost of all jobs of the account. */
    spent: integerColumn<Defaulted<MicroCredits>>(),
    /** `spent` at the first submission on `spent_day` (days since the epoch). Kept for accounts with a daily budget. */
    spent_before: integerColumn<Defaulted<MicroCredits>>(),
    spent_day: integerColumn<Defaulted<number>>(),
    /** Bytes of the inputs of unfinished jobs, and of files. */
    input_bytes: integerColumn<Defaulted<number>>(),
    file_bytes: integerColumn<Defaulted<number>>(),
  }),

  api_key: defineTable('id', {
    id: textColumn(),
    /** SHA-256 of the key, in hex. The key itself is shown once and stored nowhere. */
    hash: textColumn(),
    account_id: integerColumn(),
    name: textColumn<string | null>(),
    /** Space-separated. */
    scopes: textColumn(),
    /** The configured tier whose limits apply, or null for the default tier. */
    tier: textColumn<Defaulted<string | null>>(),
    /** The highest priority that jobs may have; null means 0. */
    max_priority: integerColumn<Defaulted<number | null>>(),
    created_at: integerColumn<Time>(),
    expires_at: integerColumn<Time | null>(),
    revoked_at: integerColumn<Time | null>(),
    /** The models that the key may use, as a JSON array, or null for all. */
    allowed_models: textColumn<Defaulted<Json | null>>(),
    /** The ids of the key that made this one, of the key that made that one and so on, joined by spaces. */
    parent_ids: textColumn<Defaulted<string | null>>(),
    /** SHA-256 of the secret from before the last rotation, and until when that is valid. */
    old_hash: textColumn<Defaulted<string | null>>(),
    old_hash_expires_at: integerColumn<Defaulted<Time | null>>(),
  }),

  /** The spend limits of a key that has some. */
  key_budget: defineKeptTable('id', {
    /** The id of the key. */
    id: textColumn(),
    total_limit: integerColumn<MicroCredits | null>(),
    day_limit: integerColumn<MicroCredits | null>(),
    month_limit: integerColumn<MicroCredits | null>(),
    /** What unfinished jobs of the key, and of keys that it made, may cost. */
    reserved: integerColumn<MicroCredits>(),
    /** What ended jobs have cost: since the key has a budget, on `day`, and in `month`. */
    spent: integerColumn<MicroCredits>(),
    /** Days since the epoch. */
    day: integerColumn(),
    day_spent: integerColumn<MicroCredits>(),
    /** Months since the epoch. */
    month: integerColumn(),
    month_spent: integerColumn<MicroCredits>(),
  }),

  invitation: defineTable('id', {
    id: textColumn(),
    /** SHA-256 of the token, in hex. */
    token_hash: textColumn(),
    /** What its keys may do. */
    settings: textColumn<Json>(),
    /** How long its keys are valid, or null for ever. */
    key_valid_ms: integerColumn<number | null>(),
    max_uses: integerColumn(),
    uses: integerColumn(),
    /** The id of the key that made it. */
    created_by: textColumn<string | null>(),
    created_at: integerColumn<Time>(),
    expires_at: integerColumn<Time>(),
    revoked_at: integerColumn<Time | null>(),
  }),

  /** What the jobs of a key used, by day and model. */
  usage: defineKeptTable('id', {
    /** `DAY/KEY/MODEL`, or `DAY/account-NUMBER/MODEL` for callers without a key. */
    id: textColumn(),
    account_id: integerColumn(),
    /** Empty for callers without a key. */
    key_id: textColumn(),
    /** Days since the epoch, in UTC. */
    day: integerColumn(),
    model: textColumn(),
    /** Ended jobs, and those of them that failed or were cancelled. */
    jobs: sumColumn(),
    failed: sumColumn(),
    cancelled: sumColumn(),
    tokens_in: sumColumn(),
    tokens_out: sumColumn(),
    credits: sumColumn<MicroCredits>(),
  }),

  /** What a miner earned, by day and model. */
  earning: defineKeptTable('id', {
    /** `DAY/MINER/MODEL` */
    id: textColumn(),
    /** The account that was paid. */
    account_id: integerColumn(),
    miner_id: textColumn(),
    day: integerColumn(),
    model: textColumn(),
    /** Paid runs. */
    jobs: sumColumn(),
    tokens_in: sumColumn(),
    tokens_out: sumColumn(),
    credits: sumColumn<MicroCredits>(),
  }),

  /** Administrative actions. Triggers reject every change of a row. */
  audit_log: defineTable('id', {
    id: integerColumn<Generated<number>>(),
    at: integerColumn<Time>(),
    action: textColumn(),
    target: textColumn(),
    source: textColumn(),
    key_id: textColumn<string | null>(),
    account: textColumn<string | null>(),
    origin: textColumn<string | null>(),
    request_id: textColumn<string | null>(),
    details: textColumn<Json>(),
  }),

  /** What the ledger's entries moved from and to an account on a day. */
  account_day: defineTable('id', {
    /** `ACCOUNT/DAY` */
    id: textColumn(),
    /** Days since the epoch, in UTC. */
    day: integerColumn(),
    received: sumColumn<MicroCredits>(),
    sent: sumColumn<MicroCredits>(),
    transactions: sumColumn(),
  }),

  idempotency: defineTable('id', {
    /** `ACCOUNT/KEY` */
    id: textColumn(),
    request_hash: textColumn(),
    /** Ids of the jobs, or of the grant, that the first request created. */
    created_ids: textColumn<Json>(),
    expires_at: integerColumn<Time>(),
  }),
};
