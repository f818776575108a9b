import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { StoreEvent } from '../../store/events.ts';
import { parseJsonObject } from '../../store/json.ts';
import type { JobContent } from '../content.ts';

/*
 * Engines keep what they have computed for a prompt, so a request with the same beginning gets its first token sooner where
 * that beginning was read before. Beginnings are compared by a chain of hashes: one for each message of a conversation, or
 * for each block of a prompt, each over the one before. Nothing is stored: each coordinator remembers for a while which
 * miner read which beginning last, and is told by the others.
 *
 * The chain begins with the account, so nobody can find out by the time of an answer what others have asked.
 */

/** Shorter prompts are read in no time. In characters. */
const SHORTEST = 1_024;

/** How much of a prompt is looked at, in characters. */
const LONGEST = 256 * 1_024;

/** Characters of a block of a prompt. */
const BLOCK = 1_024;

/** How many beginnings of one prompt are compared: the first ones, such as the system prompt, and the longest ones. */
const FIRST = 2;
const LAST = 14;

/** How many beginnings are remembered for one miner, of how many miners, and in all. */
const PER_MINER = 128;
const MINERS = 10_000;
const IN_ALL = 100_000;

interface Prompt extends Pick<JobContent, 'kind' | 'text'> {
  accountId: number;
  model: string;
}

/** Returns the hashes of the beginnings of a prompt, longest last. Empty if it is short. */
export function prefixesOf({ kind, text, accountId, model }: Prompt): string[] {
  if (text.length < SHORTEST || kind === 'embedding') return [];
  const hashes: string[] = [];
  let last = `${accountId} ${model}`;
  let length = 0;
  for (const part of kind === 'chat' ? messagesIn(text) : blocksOf(text)) {
    last = hash('sha256', `${last}\n${part}`, 'base64url').slice(0, 16);
    length += part.length;
    if (length >= SHORTEST) hashes.push(last);
    if (length >= LONGEST) break;
  }
  return hashes.length <= FIRST + LAST ? hashes : [...hashes.slice(0, FIRST), ...hashes.slice(-LAST)];
}

/** The parts of a conversation in the order in which models read them: tools, then messages. */
function messagesIn(text: string): string[] {
  const { messages, tools } = parseJsonObject(text) ?? {};
  const parts = (Array.isArray(messages) ? messages : []).map(message => JSON.stringify(message));
  return tools === undefined ? parts : [JSON.stringify(tools), ...parts];
}

function* blocksOf(text: string): Generator<string> {
  for (let at = 0; at + BLOCK <= text.length; at += BLOCK) yield text.slice(at, at + BLOCK);
}

/** Remembers which miner has read which beginnings of prompts. */
export interface Prefixes {
  apply(events: readonly StoreEvent[]): void;
  /** Returns the miner that read the longest of these beginnings last, or undefined if none is remembered. */
  minerWith(hashes: readonly string[]): string | undefined;
}

/** @param lastsMs how long a beginning is remembered after it was read last */
export function createPrefixes(now: () => number, lastsMs: number): Prefixes {
  // The memory of a cache is allocated at once, and where prompts are short none is used.
  let readers: LRUCache<string, { minerId: string; at: number }> | undefined;
  /** The beginnings that a miner read, the oldest first. */
  const byMiner = new LRUCache<string, Set<string>>({ max: MINERS });

  function note(minerId: string, hashes: readonly string[]) {
    readers ??= new LRUCache({ max: IN_ALL });
    const own = byMiner.get(minerId) ?? new Set();
    byMiner.set(minerId, own);
    for (const each of hashes) {
      own.delete(each);
      own.add(each);
      readers.set(each, { minerId, at: now() });
    }
    for (const oldest of own) {
      if (own.size <= PER_MINER) break;
      own.delete(oldest);
      if (readers.get(oldest)?.minerId === minerId) readers.delete(oldest);
    }
  }

  return {
    apply(events) {
      for (const event of events) if (event.type === 'prefix.read') note(event.minerId, event.hashes);
    },
    minerWith(hashes) {
      for (const each of hashes.toReversed()) {
        const reader = readers?.get(each);
        if (reader && now() - reader.at < lastsMs) return reader.minerId;
      }
      return undefined;
    },
  };
}
