import { type Static, Type } from 'typebox';
import { Asked, PROMPT } from './asked.ts';
import { FinishReason } from './chat.ts';
import { CLOSED, Cursor, MinerId, Model, Nullable, PageQuery, Signature, Timestamp, WAIT } from './common.ts';
import { LIMITS } from './limits.ts';
import { Inclusion } from './receipts.ts';
import { VERIFICATION_VERSION } from './versions.ts';

/*
 * A verifier has the same weights as the miner that answered. It reads prompt and answer once, and returns what its model
 * thinks of each token of the answer. The coordinator judges by these numbers.
 */

/** Why an answer is verified. */
export const VERIFICATION_CAUSES = [
  'drawn',
  'canary',
  'difference',
  'confirmation',
  'control',
  'appeal',
] as const;
export const VerificationCause = Type.Enum([...VERIFICATION_CAUSES], {
  type: 'string',
  description:
    'drawn: by chance; canary: the job is one of the operator’s; difference: another miner’s text differed at temperature 0; confirmation: a second verifier’s; control: the right judgement is known, and the verifier is tested; appeal: the miner’s owner asked for it.',
});
export type VerificationCause = Static<typeof VerificationCause>;

export const JUDGEMENTS = ['consistent', 'accused', 'inconclusive'] as const;
export const Judgement = Type.Enum([...JUDGEMENTS], {
  type: 'string',
  description:
    'consistent: the answer fits the model; accused: it does not; inconclusive: nothing can be said, which costs nothing.',
});
export type Judgement = Static<typeof Judgement>;

/** The rules by which answers are judged, with their versions. */
export const VERIFICATION_RULES = ['nucleus/1', 'robust/1', 'greedy/1'] as const;
export const VerificationRule = Type.Enum([...VERIFICATION_RULES], { type: 'string' });
export type VerificationRule = Static<typeof VerificationRule>;

/** Why a verification is inconclusive. */
export const INCONCLUSIVE_REASONS = [
  'not_text',
  'erased',
  'no_weights',
  'no_parameters',
  'expired',
  'failed',
  'too_short',
  'echo',
  'verifiers_differ',
] as const;
export const InconclusiveReason = Type.Enum([...INCONCLUSIVE_REASONS], {
  type: 'string',
  description:
    'not_text: tools, images, a grammar, hidden reasoning or no text; erased: prompt or answer are gone; no_weights: the passport names no weights; no_parameters: the miner did not tell its sampling parameters; expired: no verifier came in time; failed: no verifier could score it; too_short: too few tokens; echo: most of the answer is copied from its prompt, which any model finds likely; verifiers_differ: a second verifier did not confirm the accusation.',
});
export type InconclusiveReason = Static<typeof InconclusiveReason>;

/** A digest, or a repository of Hugging Face at a commit, as in passports. */
const weightsName = Type.String({
  maxLength: 160,
  pattern: '^(sha256:[0-9a-f]{64}|hf:[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*@[0-9a-f]{40})$',
  description: 'What identifies a model’s weights, as in its passport.',
  examples: [`sha256:${'0'.repeat(64)}`],
});

const passportHash = Type.String({ description: 'The digest of the miner’s passport, hex.' });

const printable = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[\\x20-\\x7e]+$', description });

export const VerifierEngine = Type.Object(
  {
    name: printable(LIMITS.engineNameLength, 'The engine that reads the answers, such as llama.cpp.'),
    build: printable(LIMITS.engineNameLength, 'Its build.'),
  },
  CLOSED,
);
export type VerifierEngine = Static<typeof VerifierEngine>;

export const ClaimVerification = Type.Object(
  {
    verifier_id: MinerId,
    weights: Type.Array(weightsName, {
      minItems: 1,
      maxItems: LIMITS.verifierWeights,
      uniqueItems: true,
      description: 'The weights that the verifier can read with.',
    }),
    engine: VerifierEngine,
    wait: Type.Optional(Type.Number({ ...WAIT, description: 'Seconds to wait for a verification.' })),
  },
  { ...CLOSED, $id: 'ClaimVerification' },
);
export type ClaimVerification = Static<typeof ClaimVerification>;

/** An answer to read. It says neither who gave it nor why it is verified. */
export const VerificationTask = Type.Object(
  {
    verification_id: Type.String(),
    model: Model,
    weights: weightsName,
    request: Type.Object({ prompt: Type.String({ description: PROMPT }), ...Asked }),
    answer: Type.Object({
      text: Type.String(),
      finish_reason: Nullable(FinishReason),
      ended: Type.Boolean({ description: 'Whether the model ended the answer by itself.' }),
    }),
    parameters: Type.Record(Type.String(), Type.Unknown(), {
      description: 'The sampling parameters that applied, such as temperature, top_p and seed.',
    }),
    rendered_prompt_hash: Nullable(
      Type.String({
        description: 'Hex SHA-256 of the prompt as the miner’s engine rendered it, where known.',
      }),
    ),
    salt: Type.String({ description: 'The salt of that hash.' }),
    chat_template: Nullable(
      Type.String({ description: 'The digest of the chat template in the miner’s passport, where known.' }),
    ),
    rules: Type.Array(VerificationRule, { description: 'The rules by which the scores may be judged.' }),
    lease_expires_at: Timestamp,
  },
  { $id: 'VerificationTask' },
);
export type VerificationTask = Static<typeof VerificationTask>;

const logprob = Type.Number({ minimum: -LIMITS.nats, maximum: 0, description: 'In nats.' });
const spread = {
  entropy: Type.Number({ minimum: 0, maximum: LIMITS.nats, description: 'In nats.' }),
  variance: Type.Number({
    minimum: 0,
    maximum: LIMITS.nats,
    description: 'Variance of the log-probability of a sampled token, in square nats.',
  }),
};

/** What the verifier's model says of one token of the answer. */
export const ScoredToken = Type.Object(
  {
    full: Type.Object({ logprob, ...spread }, CLOSED),
    nucleus: Nullable(Type.Object({ logprob: Nullable(logprob), ...spread }, CLOSED)),
    below_best: Type.Number({
      minimum: 0,
      maximum: LIMITS.nats,
      description: 'How far the token is below the most likely one, in nats.',
    }),
  },
  {
    ...CLOSED,
    $id: 'ScoredToken',
    description:
      '`full`: by the whole distribution at the temperature of the job, or at 1 where that is 0. `nucleus`: by the tokens that the sampler could draw; its logprob is null for a token outside, and all of it is null where the sampler is not known.',
  },
);
export type ScoredToken = Static<typeof ScoredToken>;

export const VerificationScores = Type.Object(
  {
    verifier_id: MinerId,
    tokens: Type.Array(ScoredToken, {
      maxItems: LIMITS.verificationTokens,
      description:
        'The tokens of the answer in order, with the one that ended it. The first ones of a long answer.',
    }),
    engine: VerifierEngine,
    retokenized: Type.Boolean({
      description:
        'Whether the tokens were made from the text, so that they may not be those that were sampled.',
    }),
    signature: Type.Optional(Signature),
  },
  { ...CLOSED, $id: 'VerificationScores' },
);
export type VerificationScores = Static<typeof VerificationScores>;

export const FailVerification = Type.Object(
  {
    verifier_id: MinerId,
    reason: Type.String({ minLength: 1, maxLength: LIMITS.errorLength }),
  },
  { ...CLOSED, $id: 'FailVerification' },
);
export type FailVerification = Static<typeof FailVerification>;

/** Returned to the verifier, which learns no more than that its scores are stored. */
export const VerificationOutcome = Type.Object(
  {
    verification_id: Type.String(),
    status: Type.Enum(['waiting', 'leased', 'ended'], { type: 'string' }),
    judgement: Nullable(Judgement),
  },
  { $id: 'VerificationOutcome', description: '`judgement` is null while another verifier has to read it.' },
);
export type VerificationOutcome = Static<typeof VerificationOutcome>;

const statistics = {
  rule: Nullable(VerificationRule),
  tokens: Type.Integer({ description: 'How many tokens were scored.' }),
  sum: Type.Number({ description: 'The sum of the rule over these tokens, rounded to 6 decimals.' }),
  variance: Type.Number({ description: 'The variance of the sum, rounded to 6 decimals.' }),
};

/**
 * The coordinator's signed statement of what one verifier found. It has numbers, and no text. The signature covers the
 * canonical JSON (RFC 8785) of all other fields.
 */
export const VerificationStatement = Type.Object(
  {
    type: Type.Literal('verification'),
    version: Type.Literal(VERIFICATION_VERSION),
    verification_id: Type.String({ examples: ['ver-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    cause: VerificationCause,
    about: Nullable(
      Type.String({ description: 'The verification that this one confirms, or that was appealed against.' }),
    ),
    job_id: Type.String(),
    receipt_id: Type.String(),
    miner_id: MinerId,
    passport: passportHash,
    weights: Nullable(weightsName),
    answered_at: Type.Integer({ description: 'When the job was completed. Unix seconds.' }),
    verifier_id: Nullable(Type.String()),
    verifier: Nullable(Type.String({ description: 'The address of the verifier’s owner.' })),
    engine: Nullable(Type.String()),
    ...statistics,
    judgement: Judgement,
    reason: Nullable(InconclusiveReason),
    scores_hash: Nullable(
      Type.String({
        description: 'Hex SHA-256 over a salt and the canonical JSON of the numbers of all tokens.',
      }),
    ),
    counts: Type.Boolean({ description: 'Whether it counts for the miner’s evidence.' }),
    clears: Type.Boolean({ description: 'Whether the miner’s evidence begins anew.' }),
    draw: Nullable(Type.Integer({ description: 'The size of the tree whose draw chose the receipt.' })),
    coordinator_id: Type.String(),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    nonce: Type.String(),
    metadata: Type.Object({}, { additionalProperties: true }),
    signature: Signature,
  },
  { $id: 'VerificationStatement' },
);
export type VerificationStatement = Static<typeof VerificationStatement>;
export type UnsignedVerification = Omit<VerificationStatement, 'signature'>;

/** A verification that has ended, and its place in the ledger, which is null until the ledger has published it. */
export const PublishedVerification = Type.Object(
  { statement: VerificationStatement, inclusion: Nullable(Inclusion) },
  { $id: 'PublishedVerification' },
);
export type PublishedVerification = Static<typeof PublishedVerification>;

/** The numbers behind a verification, for those who may see them. */
export const DisclosedScores = Type.Object(
  {
    verification_id: Type.String(),
    salt: Type.String({ description: '32 hex digits, before the numbers in what scores_hash covers.' }),
    tokens: Type.Array(ScoredToken),
  },
  { $id: 'DisclosedScores' },
);
export type DisclosedScores = Static<typeof DisclosedScores>;

const VERIFICATION_CURSOR = '^ver-[0-9a-z]{26}$';

export const ListVerifications = Type.Object(
  {
    limit: PageQuery.properties.limit,
    cursor: Type.Optional(Cursor(VERIFICATION_CURSOR)),
    miner: Type.Optional(MinerId),
    judgement: Type.Optional(Judgement),
  },
  CLOSED,
);
export type ListVerifications = Static<typeof ListVerifications>;

export const AppealVerification = Type.Object(
  {
    reason: Type.Optional(
      printable(LIMITS.payoutReasonLength, 'Why. In ASCII, and public, like the whole ledger.'),
    ),
  },
  { ...CLOSED, 'x-optional': true, $id: 'AppealVerification' },
);
export type AppealVerification = Static<typeof AppealVerification>;

/** What is known of the answers of one miner with one passport. */
export const MinerEvidence = Type.Object(
  {
    miner_id: MinerId,
    passport: passportHash,
    model: Model,
    judgement: Type.Enum(['consistent', 'accused', 'inconclusive'], {
      type: 'string',
      description:
        'accused: by a sequential test over the answers; consistent: not accused after enough answers; inconclusive: too few answers.',
    }),
    e_value: Type.Number({
      description: 'How strongly the answers speak against the miner; accused beyond 1,000.',
    }),
    answers: Type.Integer({ description: 'Verified answers that count.' }),
    consistent: Type.Integer(),
    accused: Type.Integer({ description: 'Answers that were accused alone.' }),
    inconclusive: Type.Integer(),
    tokens: Type.Integer(),
    accusations: Type.Integer({ description: 'How often the miner was accused by the test.' }),
    accused_at: Nullable({ ...Timestamp, description: 'When it was accused last.' }),
    accused_by: Nullable(Type.String({ description: 'The verification that completed that accusation.' })),
    updated_at: Timestamp,
  },
  { $id: 'MinerEvidence' },
);
export type MinerEvidence = Static<typeof MinerEvidence>;

export const ListEvidence = Type.Object(
  {
    limit: PageQuery.properties.limit,
    cursor: Type.Optional(Cursor('^[\\x21-\\x7e]{1,64}$')),
    miner: Type.Optional(MinerId),
  },
  CLOSED,
);
export type ListEvidence = Static<typeof ListEvidence>;

/** The draw over the receipts of one published tree that are new in it. */
export const Draw = Type.Object(
  {
    size: Type.Integer({ description: 'The size of the tree.' }),
    from: Type.Integer({ description: 'The index of the first entry that is drawn from.' }),
    root: Type.String({ description: 'The root of the tree, hex.' }),
    share: Type.Number({ description: 'The share of receipts that is drawn.' }),
    public_key: Type.String({ description: 'The key of the draw, in unpadded base64url.' }),
    proof: Nullable(
      Type.String({
        description:
          'The proof of the verifiable random function (RFC 9381, ECVRF-EDWARDS25519-SHA512-TAI), hex. Null until the drawn answers are verified, or a day is over.',
      }),
    ),
    created_at: Timestamp,
  },
  { $id: 'Draw' },
);
export type Draw = Static<typeof Draw>;

export const ListDraws = Type.Object(
  { limit: PageQuery.properties.limit, cursor: PageQuery.properties.cursor },
  CLOSED,
);
export type ListDraws = Static<typeof ListDraws>;
