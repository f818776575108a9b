import type { MinerState } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { parseNames } from './eligibility.ts';

type RosterMiner = Pick<Row<'miner'>, 'id' | 'status' | 'capabilities' | 'last_seen_at' | 'suspended_at'>;

/** The known miners by state, those that take no jobs included. */
export interface Roster {
  put(miner: RosterMiner): void;
  /** Removes the miners that are not offline, except these. */
  removePresent(kept: ReadonlySet<string>): void;
  /** Returns the number of miners in each state, and the number in each state by model. */
  counts(): RosterCounts;
}

export interface RosterCounts {
  states: ReadonlyMap<MinerState, number>;
  models: ReadonlyMap<string, ReadonlyMap<MinerState, number>>;
}

interface Entry {
  state: MinerState;
  models: ReadonlySet<string>;
  seenAt: number;
}

/** @param memoryMs how long a miner that is offline is counted after it was last seen */
export function createRoster(now: () => number, memoryMs: number): Roster {
  const entries = new Map<string, Entry>();
  return {
    put(miner) {
      const { id, status, capabilities, last_seen_at: seenAt } = miner;
      if (status === 'removed') entries.delete(id);
      else entries.set(id, { state: minerState(miner), models: parseNames(capabilities), seenAt });
    },
    removePresent(kept) {
      for (const [id, { state }] of entries) if (state !== 'offline' && !kept.has(id)) entries.delete(id);
    },
    counts() {
      const states = new Map<MinerState, number>();
      const models = new Map<string, Map<MinerState, number>>();
      for (const [id, { state, models: offered, seenAt }] of entries) {
        if (state === 'offline' && now() - seenAt > memoryMs) {
          entries.delete(id);
          continue;
        }
        increment(states, state);
        for (const model of offered) {
          const ofModel = models.get(model) ?? new Map<MinerState, number>();
          models.set(model, increment(ofModel, state));
        }
      }
      return { states, models };
    },
  };
}

type MinerStatus = Pick<RosterMiner, 'status' | 'suspended_at'>;

/** Tells the log, once it is committed, that a miner has come, gone or changed its state in another way. */
export function noteTurn(
  before: MinerStatus | undefined,
  after: MinerStatus & { id: string },
  { emit }: Pick<WriteContext, 'emit'>,
): void {
  const from = before ? minerState(before) : 'unknown';
  const to = minerState(after);
  if (from !== to) emit({ type: 'miner.turned', minerId: after.id, from, to });
}

function minerState({ status, suspended_at }: MinerStatus): MinerState {
  if (status === 'offline' || status === 'removed') return status;
  if (suspended_at !== null) return 'suspended';
  return status;
}

const increment = <Key>(counts: Map<Key, number>, key: Key) => counts.set(key, (counts.get(key) ?? 0) + 1);
