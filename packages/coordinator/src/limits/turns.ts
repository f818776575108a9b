/** The caller that turns are counted for: an account id, or the network of an address without an account. */
export type Caller = number | string;

export interface Turns {
  /** Waits for a turn. The caller calls the returned function when its costly work is done. */
  take(caller: Caller): Promise<() => void>;
  /** Runs `work` in a turn. If the caller has a turn already, the work is part of it. */
  run<T>(caller: Caller, work: () => Promise<T>): Promise<T>;
}

export interface TurnsOptions {
  /** The number of turns at once. Each belongs to another caller. */
  atOnce: number;
  /** While others are active, the turns of one caller may take at most 1/`share` of the time. */
  share: number;
  /** Whether another caller was active recently. A caller that is alone pays nothing for its turns. */
  othersAreThere(caller: Caller): boolean;
}

/** Larger bodies and inputs are costly. */
export const COSTLY_BYTES = 64 * 1024;

/** A request with more jobs than this is costly. */
export const COSTLY_JOBS = 50;

/** The part of its share that an inactive caller can use at once, in ms of work. */
const BURST_MS = 300;

/** The longest time that a caller waits for its share to recover. */
const LONGEST_REST_MS = 2_000;

interface CallerState {
  waiting: (() => void)[];
  hasTurn: boolean;
  /** When the caller's share has recovered, by `performance.now()`. */
  readyAt: number;
}

/**
 * Lets costly requests pass one at a time per caller, in turn among callers, and limits each caller to its share of the
 * time. The event loop runs between two turns, so that cheap requests pass in between.
 */
export function createTurns({ atOnce, share, othersAreThere }: TurnsOptions): Turns {
  /** The callers that have, want or recently had a turn. The caller with the latest turn is last. */
  const states = new Map<Caller, CallerState>();
  let taken = 0;
  let isScheduled = false;
  let timer: NodeJS.Timeout | undefined;

  function stateOf(caller: Caller): CallerState {
    let state = states.get(caller);
    if (!state) {
      state = { waiting: [], hasTurn: false, readyAt: 0 };
      states.set(caller, state);
    }
    return state;
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      giveTurns();
    });
  }

  function giveTurns() {
    clearTimeout(timer);
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [caller, state] of [...states]) {
      if (taken >= atOnce) return;
      const [first] = state.waiting;
      if (state.hasTurn) continue;
      if (!first) {
        // A caller whose state is deleted sooner could use its whole burst again at once.
        if (state.readyAt <= now - BURST_MS) states.delete(caller);
        continue;
      }
      if (state.readyAt > now) {
        next = Math.min(next, state.readyAt);
        continue;
      }
      states.delete(caller);
      states.set(caller, state);
      state.waiting.shift();
      begin(state);
      first();
    }
    if (next < Number.POSITIVE_INFINITY) timer = setTimeout(giveTurns, Math.ceil(next - now));
  }

  function begin(state: CallerState) {
    state.hasTurn = true;
    taken++;
  }

  function endOf(caller: Caller, state: CallerState): () => void {
    const since = performance.now();
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      state.hasTurn = false;
      taken--;
      const now = performance.now();
      if (othersAreThere(caller)) {
        const readyAt = Math.max(state.readyAt, since - BURST_MS) + (now - since) * share;
        state.readyAt = Math.min(readyAt, now + LONGEST_REST_MS);
      }
      schedule();
    };
  }

  async function take(caller: Caller): Promise<() => void> {
    const state = stateOf(caller);
    if (taken < atOnce && !state.hasTurn && state.waiting.length === 0 && state.readyAt <= performance.now())
      begin(state);
    else {
      await new Promise<void>(resolve => {
        state.waiting.push(resolve);
        schedule();
      });
    }
    return endOf(caller, state);
  }

  return {
    take,
    async run(caller, work) {
      if (states.get(caller)?.hasTurn) return await work();
      const end = await take(caller);
      try {
        return await work();
      } finally {
        end();
      }
    },
  };
}

/** How long a caller counts as active after a request. */
const PRESENCE_MS = 1_000;

export interface RecentCallers {
  note(caller: Caller): void;
  othersAreThere(caller: Caller): boolean;
}

/** Remembers when the last two callers were active, which is enough to know whether a caller is alone. */
export function createRecentCallers(): RecentCallers {
  let last: Caller | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  /** When the last request of another caller than `last` arrived. */
  let beforeAt = Number.NEGATIVE_INFINITY;
  return {
    note(caller) {
      if (caller !== last) {
        beforeAt = lastAt;
        last = caller;
      }
      lastAt = performance.now();
    },
    othersAreThere: caller => performance.now() - (caller === last ? beforeAt : lastAt) < PRESENCE_MS,
  };
}
