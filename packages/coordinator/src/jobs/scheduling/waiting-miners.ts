import { type Abilities, isLoaded, mismatch } from '../../miners/eligibility.ts';
import type { ReadyQueue } from '../../store/events.ts';

/** A miner that waits for work. */
export interface WaitingMiner {
  abilities: Abilities;
  /** The miner's reputation, from 0 to 1. */
  score: number;
  /** When the wait began, by `performance.now()`. */
  since: number;
}

/**
 * How much longer a miner with reputation 0 waits than a miner with reputation 1. The limit keeps it from waiting
 * forever.
 */
const REPUTATION_MS = 10_000;

interface Place<M> {
  miner: M;
  /** When the miner's wait began, adjusted by its reputation. */
  turn: number;
  /** Miners with the same turn keep the order in which they came. */
  arrival: number;
}

const isBefore = (a: Place<unknown>, b: Place<unknown>) =>
  a.turn < b.turn || (a.turn === b.turn && a.arrival < b.arrival);

/**
 * The miners that wait for work, by the models that they offer, in the order in which they are served. Finding the first
 * one does not depend on their number. Adding and removing one takes a binary search and one move of an array's tail, a
 * few µs with 10,000 miners.
 */
export class WaitingMiners<M extends WaitingMiner> {
  readonly #places = new Map<M, Place<M>>();
  readonly #byModel = new Map<string, ModelQueue<M>>();
  #arrivals = 0;

  add(miner: M): void {
    const turn = miner.since + (1 - miner.score) * REPUTATION_MS;
    const place = { miner, turn, arrival: ++this.#arrivals };
    this.#places.set(miner, place);
    for (const model of miner.abilities.capabilities) {
      const queue = this.#byModel.get(model) ?? { loaded: [], others: [] };
      this.#byModel.set(model, queue);
      const places = placesOf(miner, model, queue);
      places.splice(indexIn(places, place), 0, place);
    }
  }

  remove(miner: M): void {
    const place = this.#places.get(miner);
    if (!place) return;
    this.#places.delete(miner);
    for (const model of miner.abilities.capabilities) {
      const queue = this.#byModel.get(model);
      if (!queue) continue;
      const places = placesOf(miner, model, queue);
      places.splice(indexIn(places, place), 1);
      if (queue.loaded.length + queue.others.length === 0) this.#byModel.delete(model);
    }
  }

  /** Returns up to `count` miners that can run a queue's jobs: those with the model in memory first, each in turn. */
  ableTo(queue: ReadyQueue, count: number): M[] {
    const waiting = this.#byModel.get(queue.model);
    const able: M[] = [];
    if (!waiting || count <= 0) return able;
    for (const places of [waiting.loaded, waiting.others]) {
      for (const { miner } of places) {
        if (mismatch(queue, miner.abilities) === null) able.push(miner);
        if (able.length >= count) return able;
      }
    }
    return able;
  }

  /** Returns the miners with these ids that offer a model, in the order of the ids. */
  named(model: string, ids: readonly string[]): M[] {
    const waiting = this.#byModel.get(model);
    if (!waiting || ids.length === 0) return [];
    const found = [...waiting.loaded, ...waiting.others].filter(({ miner }) =>
      ids.includes(miner.abilities.id),
    );
    return ids.flatMap(id =>
      found.filter(({ miner }) => miner.abilities.id === id).map(({ miner }) => miner),
    );
  }

  /** The models that these miners offer. */
  get models(): IterableIterator<string> {
    return this.#byModel.keys();
  }
}

/** The miners that wait for jobs of one model, in order: those that have it in memory, and the others. */
interface ModelQueue<M> {
  loaded: Place<M>[];
  others: Place<M>[];
}

const placesOf = <M>({ abilities }: WaitingMiner, model: string, queue: ModelQueue<M>) =>
  isLoaded(model, abilities) ? queue.loaded : queue.others;

/** Returns the index of a place, or where it belongs if it is not there. */
function indexIn<M>(places: readonly Place<M>[], place: Place<M>): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = places[middle];
    if (other && isBefore(other, place)) low = middle + 1;
    else high = middle;
  }
  return low;
}
