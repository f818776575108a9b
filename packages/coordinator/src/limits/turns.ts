/** Who is counted as one: an account, or the network of an address without one. */
export type Caller = number | string;

export interface Turns {
  /** Resolves when the caller may do something costly, with what says that it is done. */
  take(caller: Caller): Promise<() => void>;
  /** Does something costly in a turn: in the caller's own, where it has one now. */
  run<T>(caller: Caller, work: () => Promise<T>): Promise<T>;
}

export interface TurnsOptions {
  /** Turns at once, each of another caller. */
  atOnce: number;
  /** One part in so many of the time is what the turns of one caller may take, while others are there. */
  share: number;
  /** Whether anybody else has asked for something of late: turns of a caller who is alone cost nothing. */
  othersAreThere(caller: Caller): boolean;
}

/** Bodies that are larger, and inputs, are costly. */
export const COSTLY_BYTES = 64 * 1024;

/** So are more jobs than that in one request. */
export const COSTLY_JOBS = 50;

/** So much of its share, in ms, a caller may use at once that has not used it before. */
const BURST_MS = 300;

/** A caller waits for its share to come back no longer than so many ms. */
const LONGEST_REST_MS = 2_000;

interface Place {
  waiting: (() => void)[];
  hasTurn: boolean;
  /** By `performance.now()`: when its share has come back. */
  paidAt: number;
}

/**
 * Costly requests pass one at a time of each caller, in turn among callers, and take no more than a share of the time of
 * each. Between two turns the event loop goes round, so that what costs little comes in between.
 */
export function createTurns({ atOnce, share, othersAreThere }: TurnsOptions): Turns {
  /** Callers who have, want or have had a turn, the one whose turn was last at the end. */
  const places = new Map<Caller, Place>();
  let taken = 0;
  let isScheduled = false;
  let timer: NodeJS.Timeout | undefined;

  function placeOf(caller: Caller): Place {
    let place = places.get(caller);
    if (!place) {
      place = { waiting: [], hasTurn: false, paidAt: 0 };
      places.set(caller, place);
    }
    return place;
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
    for (const [caller, place] of [...places]) {
      if (taken >= atOnce) return;
      const [first] = place.waiting;
      if (place.hasTurn) continue;
      if (place.paidAt > now) {
        if (first) next = Math.min(next, place.paidAt);
        continue;
      }
      places.delete(caller);
      if (!first) continue;
      places.set(caller, place);
      place.waiting.shift();
      begin(place);
      first();
    }
    if (next < Number.POSITIVE_INFINITY) timer = setTimeout(giveTurns, Math.ceil(next - now));
  }

  function begin(place: Place) {
    place.hasTurn = true;
    taken++;
  }

  function endOf(caller: Caller, place: Place): () => void {
    const since = performance.now();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      place.hasTurn = false;
      taken--;
      const now = performance.now();
      if (othersAreThere(caller)) {
        const paidAt = Math.max(place.paidAt, since - BURST_MS) + (now - since) * share;
        place.paidAt = Math.min(paidAt, now + LONGEST_REST_MS);
      }
      schedule();
    };
  }

  async function take(caller: Caller): Promise<() => void> {
    const place = placeOf(caller);
    if (taken < atOnce && !place.hasTurn && place.waiting.length === 0 && place.paidAt <= performance.now())
      begin(place);
    else {
      await new Promise<void>(resolve => {
        place.waiting.push(resolve);
        schedule();
      });
    }
    return endOf(caller, place);
  }

  return {
    take,
    async run(caller, work) {
      if (places.get(caller)?.hasTurn) return await work();
      const end = await take(caller);
      try {
        return await work();
      } finally {
        end();
      }
    },
  };
}

/** For how long somebody counts as being there after a request, in ms. */
const PRESENCE_MS = 1_000;

export interface Presence {
  note(caller: Caller): void;
  othersAreThere(caller: Caller): boolean;
}

/** Remembers of the last two callers when they asked, which is enough to tell whether one is alone. */
export function createPresence(): Presence {
  let last: Caller | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  /** When somebody else than the last one has asked. */
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
