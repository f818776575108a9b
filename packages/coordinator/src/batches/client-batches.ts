import { hash } from 'node:crypto';
import type { Batch, BatchPage, CreateBatch } from '@aitbc/protocol';
import { LIMITS } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { accountScope, type Principal } from '../accounts/keys.ts';
import type { AccountConfig } from '../accounts/options.ts';
import { fail } from '../errors.ts';
import { ENDPOINTS } from '../gateway/endpoint-paths.ts';
import { invalidRequest } from '../gateway/errors.ts';
import type { Ids } from '../ids.ts';
import { unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { toBatch } from './batch.ts';
import { findBatch, listBatches } from './queries.ts';
import { cancelBatches, createBatches } from './stages.ts';

export interface ClientBatchesOptions {
  config: Pick<AccountConfig, 'idempotencySeconds'>;
  store: Store;
  ids: Ids;
}

/** Clients' batches. Each method throws RequestError or OpenAiError. */
export interface ClientBatches {
  /** Creates a batch. A repeated request with the same idempotency key returns the first batch. */
  create(
    principal: Principal,
    request: CreateBatch,
    how: { idempotencyKey: string | undefined; traceparent: string | undefined },
  ): Promise<Batch>;
  get(principal: Principal, id: string): Promise<Batch>;
  /** Lists batches, newest first. */
  list(principal: Principal, page: { after: string | undefined; limit: number }): Promise<BatchPage>;
  /** Cancels a batch. Returns while its jobs are still being cancelled. */
  cancel(principal: Principal, id: string): Promise<Batch>;
}

export function createClientBatches({ config, store, ids }: ClientBatchesOptions): ClientBatches {
  return {
    async create({ accountId, tier = null, keyId }, request, { idempotencyKey: key, traceparent }) {
      const { endpoint, input_file_id, completion_window, metadata } = request;
      if (!Object.hasOwn(ENDPOINTS, endpoint)) {
        const detail = `endpoint must be one of ${Object.keys(ENDPOINTS).join(', ')}`;
        throw invalidRequest(detail, 'endpoint', 'invalid_value');
      }
      const idempotency =
        key === undefined
          ? undefined
          : {
              key,
              requestHash: hash('sha256', canonicalJson(request)),
              lastsMs: config.idempotencySeconds * 1000,
            };
      const batch = await store.write(createBatches, {
        ...{ accountId, tier, keyId: keyId ?? null, endpoint, input_file_id, completion_window },
        // OpenAI's batch ids begin with `batch_`.
        id: ids.next('batch').replace('-', '_'),
        metadata: metadata ? JSON.stringify(metadata) : null,
        windowMs: windowOf(completion_window),
        traceparent,
        ...(idempotency && { idempotency }),
      });
      return toBatch(unwrap(batch));
    },

    async get(principal, id) {
      const batch = await findBatch(store.read, id);
      const account = accountScope(principal);
      if (!batch || (account !== null && batch.account_id !== account))
        return fail('BATCH_NOT_FOUND', 'Batch not found');
      return toBatch(batch);
    },

    async list({ accountId }, { after, limit }) {
      const found = await listBatches(store.read, { accountId, after, limit: limit + 1 });
      const data = found.slice(0, limit).map(toBatch);
      return {
        object: 'list',
        data,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: found.length > limit,
      };
    },

    async cancel(principal, id) {
      const input = { batchId: id, accountId: accountScope(principal) };
      return toBatch(unwrap(await store.write(cancelBatches, input)));
    },
  };
}

const HOUR_SECONDS = 3600;
const UNIT_HOURS: Record<string, number> = { h: 1, d: 24 };

/** Returns the window in ms. Throws OpenAiError if the text is invalid. */
function windowOf(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,4})([hd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_HOURS[unit] ?? 0) * HOUR_SECONDS;
  if (seconds >= HOUR_SECONDS && seconds <= LIMITS.ttlSeconds.max) return seconds * 1000;
  const detail = 'completion_window must be hours or days, 1h to 30d, such as 24h';
  throw invalidRequest(detail, 'completion_window', 'invalid_value');
}
