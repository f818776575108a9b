import { LIMITS, type PostChunks } from '@aitbc/protocol';
import { type CoordinatorClient, CoordinatorError, isCoordinatorError } from '@aitbc/sdk';
import { epochOf, type Registration } from './registration.ts';

/** Sends the text of a miner's streams to the coordinator, that of many streams in one request. */
export interface ChunkSender {
  /**
   * Sends the next chunks of a stream: at once, or when there is room for another request. Only then `take` is
   * called, so that a stream that waits gathers chunks. Nothing is sent where `take` returns undefined.
   *
   * Rejects with the coordinator's error for this stream.
   */
  post(jobId: string, take: () => PostableChunks | undefined): Promise<void>;
}

export type PostableChunks = Pick<PostChunks, 'first' | 'chunks'>;

export interface ChunkSenderOptions {
  client: {
    jobs: Pick<CoordinatorClient['jobs'], 'postChunks'>;
    miners: Pick<CoordinatorClient['miners'], 'postChunks'>;
  };
  minerId: string;
  registration: Pick<Registration, 'epoch'>;
}

/** The requests under way at once. With more, each would carry fewer chunks, and both sides would spend more on requests. */
const UNDER_WAY = 4;

/** No more streams are added to a request with this much text, in UTF-16 units. */
const ENOUGH_TEXT = 16_384;

const OPTIONS = { maxRetries: 0, timeout: 10_000 };

interface Waiting {
  jobId: string;
  take: () => PostableChunks | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

interface Taken extends Waiting {
  next: PostableChunks;
}

export function createChunkSender({ client, minerId, registration }: ChunkSenderOptions): ChunkSender {
  const waiting: Waiting[] = [];
  let underWay = 0;
  let isScheduled = false;
  /** Older coordinators take the chunks of one job in a request. */
  let takesMany = true;

  /** Waits for the end of this turn of the event loop, so that all text of the turn shares a request. */
  function schedule() {
    if (isScheduled || waiting.length === 0 || underWay >= UNDER_WAY) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const taken = takeStreams();
      if (taken.length > 0) void send(taken);
      schedule();
    });
  }

  function takeStreams(): Taken[] {
    const most = takesMany ? LIMITS.claimMax : 1;
    const taken: Taken[] = [];
    let length = 0;
    while (taken.length < most && length < ENOUGH_TEXT) {
      const stream = waiting.shift();
      if (!stream) break;
      const next = stream.take();
      if (!next) {
        stream.resolve();
        continue;
      }
      taken.push({ ...stream, next });
      length += lengthOf(next);
    }
    return taken;
  }

  async function send(taken: readonly Taken[]): Promise<void> {
    underWay++;
    try {
      const answers = takesMany ? await postMany(taken) : [await postOne(taken[0])];
      for (const [at, { resolve, reject }] of taken.entries()) {
        const answer = answers[at];
        if (answer instanceof CoordinatorError) reject(answer);
        else resolve();
      }
    } catch (error) {
      if (takesMany && isUnknownRoute(error)) {
        takesMany = false;
        waiting.unshift(...taken);
      } else for (const { reject } of taken) reject(error);
    }
    underWay--;
    schedule();
  }

  async function postMany(taken: readonly Taken[]) {
    const streams = taken.map(({ jobId, next }) => ({ job_id: jobId, ...next }));
    return await client.miners.postChunks(minerId, { ...epochOf(registration.epoch), streams }, OPTIONS);
  }

  async function postOne(taken: Taken | undefined) {
    if (!taken) return undefined;
    const { jobId, next } = taken;
    const request = { miner_id: minerId, ...epochOf(registration.epoch), ...next };
    return await client.jobs.postChunks(jobId, request, OPTIONS);
  }

  return {
    post(jobId, take) {
      return new Promise((resolve, reject) => {
        waiting.push({ jobId, take, resolve, reject });
        schedule();
      });
    },
  };
}

const lengthOf = ({ chunks }: PostableChunks) =>
  chunks.reduce((sum, chunk) => sum + (typeof chunk === 'string' ? chunk : chunk.reasoning).length, 0);

function isUnknownRoute(error: unknown): boolean {
  if (isCoordinatorError(error, 'MINER_NOT_FOUND')) return false;
  return error instanceof CoordinatorError && (error.status === 404 || error.status === 405);
}
