/**
 * Limits that are part of the contract and equal on every coordinator. Other limits are in a coordinator's
 * configuration.
 */
export const LIMITS = {
  batchJobs: 1_000,
  pageSize: 100,
  defaultPageSize: 20,
  /** Of one body of JSON: what takes a moment to parse. */
  jsonParts: 500_000,
  jsonValues: 4_000_000,
  modelLength: 128,
  minerIdLength: 64,
  epoch: 2_147_483_647,
  sessionLength: 64,
  capabilities: 1_024,
  /** A text in a passport: the engine's name, its build. */
  passportTextLength: 256,
  quantizationLength: 32,
  /** New passports that one owner may register within a day. */
  passportsPerDay: 2_048,
  /** Passports of one model in the list of models. */
  modelPassports: 20,
  claimMax: 256,
  /** Clients may ask for longer waits than any coordinator allows. */
  waitSeconds: 1_000_000,
  chunks: 1_000,
  /** The index of a chunk within the text of an attempt. */
  chunkIndex: 1_000_000_000,
  messages: 10_000,
  tools: 128,
  /** The id of a tool call. It may come from another service's conversation. */
  callIdLength: 1_024,
  embeddingInputs: 2_048,
  /** Tokens of one text to embed. */
  inputTokens: 131_072,
  /** Prompts of one completion request. */
  prompts: 100,
  /** The largest token number, context, limit or count. */
  tokens: 100_000_000,
  /** Choices of one request at the gateway. */
  choices: 8,
  topLogprobs: 20,
  /** The largest integer that every JSON library represents exactly; negative seeds too. */
  seed: Number.MAX_SAFE_INTEGER,
  engineCodeLength: 128,
  retryAfterSeconds: 3_600,
  priority: { min: -10, max: 10 },
  attempts: { min: 1, max: 100 },
  replication: { min: 1, max: 9 },
  /** Models that one job names in `models`. */
  fallbackModels: 8,
  /** Names in one list of `constraints.miners` or `constraints.owners`. */
  chosenMiners: 8,
  ttlSeconds: { min: 1, max: 30 * 24 * 3600 },
  /** Credits. An amount of this size with 6 decimals is still exact as a double. */
  price: 1e9,
  /** Bytes of `gpu_info` as JSON in UTF-8. */
  gpuInfoBytes: 2_048,
  vramGb: { min: 0, max: 4_096 },
  idempotencyKeyLength: 255,
  metadataKeys: 64,
  errorLength: 4_096,
  grantReasonLength: 256,
  payoutMethodLength: 64,
  payoutReferenceLength: 256,
  payoutReasonLength: 256,
  /** Tokens of an answer that a verifier scores. */
  verificationTokens: 8_192,
  /** Log-probabilities, entropies and variances of one token, in nats. */
  nats: 10_000,
  /** Weights that one verifier names. */
  verifierWeights: 64,
  engineNameLength: 64,
  keyNameLength: 128,
  allowedModels: 100,
  /** Keys of one account that are neither revoked nor expired. */
  keysPerAccount: 100,
  /** How long a key of an invitation is valid: ten years. */
  keyValidSeconds: 10 * 365 * 24 * 3600,
  invitationUses: 10_000,
  invitationSeconds: 365 * 24 * 3600,
  oldSecretSeconds: 30 * 24 * 3600,
  /** Items on a page of usage, earnings and the audit log. */
  reportPageSize: 1_000,
  reportDays: 366,
  fileNameLength: 255,
  fileRequests: 50_000,
  customIdLength: 512,
  batchErrors: 100,
  notices: 100,
  noticeLength: 1_000,
  noticeSeconds: 30 * 24 * 3600,
  webhookUrlLength: 2_048,
  webhookDescriptionLength: 256,
} as const;

/** Printable ASCII without spaces, because receipts only contain ASCII: `llama3.2`, `org/model:7b-q4`. */
export const MODEL_PATTERN = '^[\\x21-\\x7e]+$';
export const MINER_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:-]*$';
export const REGION_PATTERN = '^[a-z0-9][a-z0-9-]{0,31}$';

/** How many items the lists of the overview have at most. */
export const OVERVIEW_LENGTHS = { rates: 150, transactions: 12, blocks: 8 } as const;
