import type { PostedChunks } from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';
import type { MinerCaller } from '../../miners/register.ts';
import type { StreamChunk } from '../../store/events.ts';
import { isoTime } from '../../store/numbers.ts';
import { type Operation, unwrap } from '../../store/operation.ts';
import type { Store } from '../../store/store.ts';
import type { Posted, PostInput } from './post-chunks.ts';

export interface PostRequest extends MinerCaller {
  attempt: number | undefined;
  /** The index of the first chunk. */
  first: number;
  chunks: readonly StreamChunk[];
}

export interface ChunkReceiver {
  /**
   * Stores more of a text while it is generated. Repeating a request adds nothing.
   *
   * @throws {RequestError}
   */
  post(principal: Principal, jobId: string, request: PostRequest): Promise<PostedChunks>;
}

export interface ChunkReceiverOptions {
  store: Store;
  operations: { postChunks: Operation<PostInput, Posted> };
  /** The length limit of a chunk, in bytes. */
  chunkLimit: number;
}

export function createChunkReceiver({ store, operations, chunkLimit }: ChunkReceiverOptions): ChunkReceiver {
  return {
    async post(principal, jobId, request) {
      requireShort(request.chunks, chunkLimit);
      const input = { ...request, jobId, ownerId: accountScope(principal) };
      const { job, next } = unwrap(await store.write(operations.postChunks, input));
      return {
        job_id: job.id,
        next,
        lease_expires_at: isoTime(job.lease_expires_at ?? 0),
        deadline: isoTime(job.deadline ?? 0),
      };
    },
  };
}

function requireShort(chunks: readonly StreamChunk[], limit: number): void {
  const index = chunks.findIndex(({ text }) => Buffer.byteLength(text) > limit);
  if (index === -1) return;
  fail('VALIDATION_OUT_OF_RANGE', `A chunk has at most ${limit} bytes`, { field: `chunks.${index}` });
}
