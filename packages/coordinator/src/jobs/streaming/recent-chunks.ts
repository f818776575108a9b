import type { StoreEvent, StreamGrowth } from '../../store/events.ts';

/** What happened to a job since its follower last asked. */
interface News {
  /** The added text, in order. */
  grown: readonly StreamGrowth[];
  /** Whether something else happened, or too much text was added, so that the follower must read the database. */
  more: boolean;
}

/**
 * The committed text of a job with followers on this coordinator. Followers that keep up need not read the database.
 */
interface RecentReader {
  take(): News;
  close(): void;
}

export interface RecentChunks {
  open(jobId: string): RecentReader;
  apply(events: readonly StoreEvent[]): void;
}

interface Kept {
  grown: StreamGrowth[];
  chunks: number;
  more: boolean;
}

const nothing = (): Kept => ({ grown: [], chunks: 0, more: false });

/** @param most how many chunks are kept for a follower. A follower that is further behind reads the database */
export function createRecentChunks(most: number): RecentChunks {
  const followers = new Map<string, Set<{ kept: Kept }>>();

  function add(jobId: string, growth: StreamGrowth | undefined) {
    for (const follower of followers.get(jobId) ?? []) {
      const { kept } = follower;
      kept.chunks += growth?.chunks.length ?? 0;
      if (growth && kept.chunks <= most) kept.grown.push(growth);
      else follower.kept = { ...nothing(), chunks: most, more: true };
    }
  }

  return {
    open(jobId) {
      const follower = { kept: nothing() };
      const all = followers.get(jobId) ?? new Set();
      followers.set(jobId, all.add(follower));
      return {
        take() {
          const { grown, more } = follower.kept;
          follower.kept = nothing();
          return { grown, more };
        },
        close() {
          all.delete(follower);
          if (all.size === 0 && followers.get(jobId) === all) followers.delete(jobId);
        },
      };
    },
    apply(events) {
      for (const event of events) {
        if (event.type === 'job.streamed') add(event.jobId, event.growth);
        else if (event.type === 'job.ended') add(event.jobId, undefined);
        else if (event.type === 'missed') for (const jobId of followers.keys()) add(jobId, undefined);
      }
    },
  };
}
