import type { ErrorCode } from '@aitbc/protocol';
import { findSubmitter } from '../accounts/key-rights.ts';
import { OpenAiError } from '../gateway/errors.ts';
import type { NewJob } from '../jobs/submitting/submit-jobs.ts';
import { type BatchRow, type Place, placeOf } from './batch.ts';
import type { WorkOptions } from './input-file.ts';
import { attempt, endpointOf, readRequest, requestLines } from './input-file.ts';

type Options = Pick<WorkOptions, 'store' | 'config' | 'jobs' | 'limits' | 'operations'>;

/** The most requests that one transaction submits, because other writes wait for it. */
const MAX_REQUESTS = 200;
const MAX_CHARACTERS = 512 * 1024;

/** Errors after which a page is tried again: quotas free up as jobs end, and balances may grow. */
const TEMPORARY_ERRORS = new Set<ErrorCode>([
  'PAYMENT_INSUFFICIENT_BALANCE',
  'PAYMENT_TOTAL_BUDGET_EXCEEDED',
  'PAYMENT_DAILY_BUDGET_EXCEEDED',
  'PAYMENT_MONTHLY_BUDGET_EXCEEDED',
  'RATE_QUOTA_EXCEEDED',
  'STORAGE_QUOTA_EXCEEDED',
]);

interface Prepared {
  line: number;
  end: Place;
  /** Absent if the request turns out to be unsupported. */
  job: NewJob | undefined;
}

/**
 * Submits the next page. Requests that the owner cannot pay for yet are tried again later. Requests without a miner
 * wait as jobs.
 */
export async function submitPage(batch: BatchRow, options: Options): Promise<boolean> {
  const { store, limits, operations } = options;
  const { allowedModels, budgetKeys } = await findSubmitter(store.read, batch.key_id);
  const page = await preparePage(batch, allowedModels, options);
  const from = placeOf(batch);
  if (!(await limits.canSubmitBatch(batch.account_id, batch.tier, page.length))) return false;
  const quota = limits.quotaOf(batch.tier);
  for (let count = page.length; ; count = Math.floor(count / 2)) {
    const taken = page.slice(0, count);
    const outcome = await store.write(operations.submitPages, {
      batchId: batch.id,
      quota,
      budgetKeys,
      from,
      to: taken.at(-1)?.end ?? from,
      jobs: taken.flatMap(({ line, job }) => (job ? [{ line, job }] : [])),
      isLast: page.length === 0,
    });
    if (outcome.ok) return count === page.length;
    if (!TEMPORARY_ERRORS.has(outcome.error.code)) return true;
    if (count <= 1) return false;
  }
}

async function preparePage(
  batch: BatchRow,
  allowedModels: readonly string[] | undefined,
  options: Options,
): Promise<Prepared[]> {
  const page: Prepared[] = [];
  let characters = 0;
  for await (const { text = '', number, end } of requestLines(batch, options, placeOf(batch))) {
    const job = attempt(() =>
      options.jobs.prepare(
        readRequest(text, batch.endpoint, endpointOf(batch)).submission,
        batch.account_id,
        allowedModels,
      ),
    );
    page.push({ line: number, end, job: job instanceof OpenAiError ? undefined : job });
    characters += text.length;
    if (page.length === MAX_REQUESTS || characters >= MAX_CHARACTERS) break;
  }
  return page;
}
