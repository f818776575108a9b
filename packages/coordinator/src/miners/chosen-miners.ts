import type { JobConstraints, MinerChoice } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { LRUCache } from 'lru-cache';
import { parseJsonObject } from '../store/json.ts';

/*
 * The miners and owners that the client of a job chooses. The choice is stored with the job's queue as canonical JSON, so
 * jobs with the same choice share a queue, and one comparison decides for all of them.
 */

/** The members of `constraints` that choose miners. */
export type ChosenMiners = Pick<JobConstraints, 'miners' | 'owners'>;

/** What a choice goes by. */
interface ChosenFrom {
  id: string;
  /** The address of the owner's account, or null if it is unknown. */
  owner: string | null;
}

const KINDS = ['only', 'first', 'not'] as const;

/** Returns the stored form of a choice: equal for equal choices, and empty if there is none. */
export function writeChosen({ miners, owners }: ChosenMiners = {}): string {
  const chosen = { ...named('miners', miners), ...named('owners', owners) };
  return Object.keys(chosen).length === 0 ? '' : canonicalJson(chosen);
}

function named(kind: 'miners' | 'owners', choice: MinerChoice | undefined): ChosenMiners {
  const lists = KINDS.flatMap(name => {
    const names = [...new Set(choice?.[name])];
    // The order of the preferred ones means nothing either: whoever of them is free gets the job.
    return names.length === 0 ? [] : [[name, names.sort()]];
  });
  return lists.length === 0 ? {} : { [kind]: Object.fromEntries(lists) };
}

/** A cache, because a queue's choice is compared with many miners. */
const parsed = new LRUCache<string, ChosenMiners>({ max: 1_000 });

/** Reads the stored form of a choice. A damaged one chooses no miner. */
export function readChosen(text: string): ChosenMiners {
  if (text === '') return {};
  const cached = parsed.get(text);
  if (cached) return cached;
  const chosen = (parseJsonObject(text) as ChosenMiners | undefined) ?? { miners: { only: [] } };
  parsed.set(text, chosen);
  return chosen;
}

/** Whether a choice lets a miner have the jobs. */
export function isChosen(chosen: string, { id, owner }: ChosenFrom): boolean {
  if (chosen === '') return true;
  const { miners, owners } = readChosen(chosen);
  return allows(miners, id) && allows(owners, owner);
}

function allows({ only, not }: MinerChoice = {}, name: string | null): boolean {
  if (only && (name === null || !only.includes(name))) return false;
  return name === null || !not?.includes(name);
}

/** Whether a choice prefers a miner to others. */
export function isPreferred(chosen: string, { id, owner }: ChosenFrom): boolean {
  if (chosen === '') return false;
  const { miners, owners } = readChosen(chosen);
  return miners?.first?.includes(id) === true || (owner !== null && owners?.first?.includes(owner) === true);
}
