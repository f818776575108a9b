import type { Signature, TokenUsage, UnsignedReceipt } from '@aitbc/protocol';
import { RECEIPT_VERSION } from '@aitbc/protocol/versions';
import { microCredits, type Signer, signReceiptJson } from '@aitbc/receipts';
import { appendEntries } from '../ledger/entries.ts';
import type { WriteContext } from '../store/operation.ts';
import { chargeFor, type Pricing } from './pricing.ts';

/** Everything that a job's receipt is made from. */
export interface Settlement {
  receiptId: string;
  nonce: string;
  job: {
    id: string;
    model: string;
    prompt_hash: string;
    passport: string | null;
    max_price: number | null;
    token_limit: number | null;
  };
  startedAt: number;
  /** The time that is billed, and the time that is not. */
  durationMs: number;
  unbilledMs: number;
  client: Party;
  provider: Party;
  minerId: string;
  artifactHash: string;
  /** When the miner says that it completed the job, in Unix milliseconds. */
  reportedAt: number | undefined;
  usage: TokenUsage | undefined;
  attestation: Signature | undefined;
  parametersHash?: string | undefined;
  renderedPromptHash?: string | undefined;
  /** Whether the job was cancelled and the receipt is for the text delivered before. */
  isCancelled?: boolean;
  purse: Purse;
}

/** The balance of a client, in micro-credits. Each receipt finds what earlier receipts of the same batch have left. */
interface Purse {
  ceiling(): number;
  charge(price: number): void;
}

interface Party {
  id: number;
  address: string;
}

export interface ReceiptOptions {
  coordinatorId: string;
  signer: Signer;
  pricingOf(model: string): Pricing;
}

export interface IssuedReceipt {
  /** The receipt as JSON. */
  body: string;
  /** In micro-credits. */
  price: number;
}

/**
 * Signs receipts and appends them to the ledger, in the transaction that completes their jobs. Returns them in the given
 * order.
 */
export async function issueReceipts(
  settlements: readonly Settlement[],
  policy: ReceiptOptions,
  context: WriteContext,
): Promise<IssuedReceipt[]> {
  if (settlements.length === 0) return [];
  const receipts = settlements.map(each => receiptFor(each, policy, context.now));
  const bodies = await Promise.all(receipts.map(receipt => signReceiptJson(receipt, policy.signer)));
  const statements = settlements.map(({ receiptId, job, client, provider }, index) => ({
    id: receiptId,
    type: 'receipt' as const,
    jobId: job.id,
    payerId: client.id,
    payeeId: provider.id,
    amount: microCredits(receipts[index]?.price ?? 0),
    body: bodies[index] ?? '',
  }));
  await appendEntries(statements, context);
  await context.tx.add('counter', [{ name: 'receipts.total', value: bodies.length }]);
  return bodies.map((body, index) => ({ body, price: microCredits(receipts[index]?.price ?? 0) }));
}

/** Token counts are the miner's, up to the job's limit. */
function receiptFor(settlement: Settlement, policy: ReceiptOptions, now: number): UnsignedReceipt {
  const { job, startedAt, durationMs, purse } = settlement;
  const pricing = policy.pricingOf(job.model);
  const run = { durationMs, usage: settlement.usage };
  const { units, price, limit } = chargeFor(run, job, pricing, purse.ceiling());
  purse.charge(price);
  // In the order of canonical JSON, which is then written without sorting.
  return {
    artifact_hash: settlement.artifactHash,
    client: settlement.client.address,
    completed_at: Math.floor(now / 1000),
    coordinator_id: policy.coordinatorId,
    duration_ms: durationMs,
    job_id: job.id,
    metadata: metadataOf(settlement, pricing, limit),
    model: job.model,
    nonce: settlement.nonce,
    price: price / 1e6,
    prompt_hash: job.prompt_hash,
    provider: settlement.provider.address,
    receipt_id: settlement.receiptId,
    started_at: Math.floor(startedAt / 1000),
    unit_type: pricing.unit,
    units,
    version: RECEIPT_VERSION,
  };
}

function metadataOf(
  settlement: Settlement,
  pricing: Pricing,
  limit: number | null,
): UnsignedReceipt['metadata'] {
  const { minerId, job, unbilledMs, reportedAt, usage, attestation, isCancelled } = settlement;
  const { parametersHash, renderedPromptHash } = settlement;
  return {
    ...(limit !== null && { max_price: limit }),
    miner_id: minerId,
    ...(parametersHash !== undefined && { parameters_hash: parametersHash }),
    ...(job.passport && { passport: job.passport }),
    // The values that the price was computed from, so that anyone can check it.
    ...(pricing.unit === 'token' ? { rate_per_1000: pricing.ratePer1000 } : { rate: pricing.rate }),
    ...(renderedPromptHash !== undefined && { rendered_prompt_hash: renderedPromptHash }),
    ...(reportedAt !== undefined && { reported_completed_at: new Date(reportedAt).toISOString() }),
    ...(attestation && { signatures: [attestation] }),
    ...(isCancelled && { status: 'cancelled' }),
    ...(pricing.unit === 'token' && job.token_limit !== null && { token_limit: job.token_limit }),
    ...(unbilledMs > 0 && { unbilled_ms: unbilledMs }),
    ...(usage && { usage }),
  };
}

/** Returns the JSON of receipts by id. */
export async function loadReceiptBodies(
  ids: readonly string[],
  tx: WriteContext['tx'],
): Promise<Map<string, string>> {
  const rows = await tx.load('entry', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row.body]));
}
