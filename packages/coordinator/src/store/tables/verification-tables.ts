import type { InconclusiveReason, Judgement, VerificationCause } from '@aitbc/protocol';
import {
  defineKeptTable,
  defineTable,
  integerColumn,
  type Json,
  realColumn,
  type Time,
  textColumn,
} from './define-table.ts';

export const verificationTables = {
  /** The draw of receipts over each published tree. */
  draw: defineTable('height', {
    /** The height of the tree's checkpoint. */
    height: integerColumn(),
    /** The index of the first entry that is drawn from, and of the first one after. */
    from_index: integerColumn(),
    size: integerColumn(),
    /** Entries below this were drawn from. */
    next_index: integerColumn(),
    /** hex */
    root: textColumn(),
    share: realColumn(),
    public_key: textColumn(),
    /** hex */
    proof: textColumn(),
    /** Drawn answers that are not verified yet. */
    open: integerColumn(),
    created_at: integerColumn<Time>(),
    revealed_at: integerColumn<Time | null>(),
  }),

  /** One reading of an answer by one verifier. */
  verification: defineKeptTable(
    'id',
    {
      id: textColumn(),
      cause: textColumn<VerificationCause>(),
      /** The verification that this one confirms, or that was appealed against. */
      about: textColumn<string | null>(),
      job_id: textColumn(),
      receipt_id: textColumn(),
      miner_id: textColumn(),
      /** The account of the miner's operator. */
      operator_id: integerColumn(),
      model: textColumn(),
      /** Digest of the passport, and the weights that it names. */
      passport: textColumn(),
      weights: textColumn<string | null>(),
      answered_at: integerColumn<Time>(),
      /** The height of the draw's checkpoint. */
      draw: integerColumn<number | null>(),
      /** 1: the client consented that other owners' verifiers read the prompt. */
      consent: integerColumn(),
      /** 1: the texts are erased when the verification ends. */
      erase: integerColumn(),
      state: textColumn<'waiting' | 'leased' | 'ended'>(),
      /** `ACCOUNT/VERIFIER` of those that do not get it, as a JSON array. */
      excluded: textColumn<Json>(),
      /** The engine that the verifier must have, or null. */
      engine_needed: textColumn<string | null>(),
      attempts: integerColumn(),
      created_at: integerColumn<Time>(),
      /** When it is given up. */
      expires_at: integerColumn<Time>(),
      lease_expires_at: integerColumn<Time | null>(),
      verifier_id: textColumn<string | null>(),
      /** The account of the verifier's key. */
      verifier_account: integerColumn<number | null>(),
      /** 1: the verifier is the operator's own. */
      own: integerColumn(),
      engine: textColumn<string | null>(),
      ended_at: integerColumn<Time | null>(),
      judgement: textColumn<Judgement | null>(),
      reason: textColumn<InconclusiveReason | null>(),
      /** 1: it counts for the miner's evidence. */
      counts: integerColumn(),
      /** The appeal against it. */
      appeal_id: textColumn<string | null>(),
      /** Why the owner appealed, of the appeal itself. */
      appeal_reason: textColumn<string | null>(),
    },
    { until: row => row.state === 'ended' },
  ),

  /** The numbers of all tokens, with the salt of what commits to them. */
  verification_scores: defineTable('id', {
    id: textColumn(),
    salt: textColumn(),
    tokens: textColumn<Json>(),
    created_at: integerColumn<Time>(),
  }),

  /** What is known of the answers of a miner with a passport. Follows from the entries of the ledger. */
  evidence: defineTable('id', {
    /** `MINER/PASSPORT` */
    id: textColumn(),
    miner_id: textColumn(),
    operator_id: integerColumn(),
    passport: textColumn(),
    model: textColumn(),
    /** The state of the sequential test. */
    state: textColumn<Json>(),
    consistent: integerColumn(),
    accused: integerColumn(),
    inconclusive: integerColumn(),
    tokens: integerColumn(),
    accusations: integerColumn(),
    accused_at: integerColumn<Time | null>(),
    /** The verification that completed the last accusation. */
    accused_by: textColumn<string | null>(),
    updated_at: integerColumn<Time>(),
  }),

  verifier: defineTable('id', {
    /** `ACCOUNT/VERIFIER` */
    id: textColumn(),
    own: integerColumn(),
    weights: textColumn<Json>(),
    engine: textColumn(),
    last_seen_at: integerColumn<Time>(),
  }),
};
