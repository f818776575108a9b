import type { PostedChunks } from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import { RequestError } from '../../errors.ts';
import type { MinerCaller } from '../../miners/register.ts';
import type { StreamChunk } from '../../store/events.ts';
import { isoTime } from '../../store/numbers.ts';
import { failed, type Operation, type Outcome, unwrap } from '../../store/operation.ts';
import type { Store } from '../../store/store.ts';
import type { Posted, PostInput } from './post-chunks.ts';

/** The next chunks of a job's text. */
export interface NextChunks {
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
  post(principal: Principal, caller: MinerCaller, jobId: string, next: NextChunks): Promise<PostedChunks>;
  /**
   * Does the same for several jobs at once. An error of one job does not keep the others from being stored.
   *
   * @throws {RequestError} where the caller is not the miner, or another process has taken over
   */
  postAll(
    principal: Principal,
    caller: MinerCaller,
    streams: readonly (NextChunks & { jobId: string })[],
  ): Promise<Outcome<PostedChunks>[]>;
}

export interface ChunkReceiverOptions {
  store: Store;
  operations: { postChunks: Operation<PostInput, Posted> };
  /** The length limit of a chunk, in bytes. */
  chunkLimit: number;
}

export function createChunkReceiver({ store, operations, chunkLimit }: ChunkReceiverOptions): ChunkReceiver {
  async function write(
    principal: Principal,
    caller: MinerCaller,
    next: NextChunks & { jobId: string },
  ): Promise<Outcome<PostedChunks>> {
    const long = next.chunks.findIndex(({ text }) => Buffer.byteLength(text) > chunkLimit);
    if (long !== -1) {
      const detail = `A chunk has at most ${chunkLimit} bytes`;
      return failed('VALIDATION_OUT_OF_RANGE', detail, { field: `chunks.${long}` });
    }
    const input = { ...caller, ...next, ownerId: accountScope(principal) };
    const outcome = await store.write(operations.postChunks, input);
    return outcome.ok ? { ok: true, value: toPosted(outcome.value) } : outcome;
  }

  return {
    async post(principal, caller, jobId, next) {
      return unwrap(await write(principal, caller, { ...next, jobId }));
    },
    async postAll(principal, caller, streams) {
      const outcomes = await Promise.all(streams.map(next => write(principal, caller, next)));
      // What is wrong with the miner is wrong with each of its streams.
      const refused = outcomes.find(outcome => !outcome.ok && outcome.error.code.startsWith('MINER_'));
      if (refused && !refused.ok) throw new RequestError(refused.error);
      return outcomes;
    },
  };
}

const toPosted = ({ job, next }: Posted): PostedChunks => ({
  job_id: job.id,
  next,
  lease_expires_at: isoTime(job.lease_expires_at ?? 0),
  deadline: isoTime(job.deadline ?? 0),
});
