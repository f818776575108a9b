import { hash } from 'node:crypto';
import { type ChatMessage, LIMITS, type ToolCall } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import { BackendError } from '../backend.ts';

/** The longest id that clients get, which is also the longest that OpenAI allows. */
const LONGEST_ID = 128;
const LONGEST_NAME = 128;

/**
 * Maps the short ids that clients got to the engine's own. Some engines encode data in an id that they need
 * again when the conversation continues.
 */
const longIds = new LRUCache<string, string>({
  maxSize: 16 * 1024 * 1024,
  maxEntrySize: 256 * 1024,
  sizeCalculation: id => id.length + 1,
});

/**
 * Returns the same short id for the same engine id, so that a conversation stays consistent on all miners.
 */
function shortened(id: string): string {
  if (id.length <= LONGEST_ID) return id;
  const short = `call_${hash('sha256', id.toWellFormed()).slice(0, 32)}`;
  longIds.set(short, id);
  return short;
}

/** Restores the engine's own ids in a history of messages. */
export function withEngineIds(messages: readonly ChatMessage[]): ChatMessage[] {
  const engineId = (id: string) => longIds.get(id) ?? id;
  return messages.map(({ tool_calls, tool_call_id, ...message }) => ({
    ...message,
    ...(tool_calls && { tool_calls: tool_calls.map(call => ({ ...call, id: engineId(call.id) })) }),
    ...(tool_call_id !== undefined && { tool_call_id: engineId(tool_call_id) }),
  }));
}

interface Assembled {
  /** The engine's id, if it gave one. */
  id: string | undefined;
  /** The engine's index, which may be wrong. */
  index: unknown;
  name: string;
  arguments: string;
}

/** Collects tool calls that come whole or in pieces. */
export interface ToolCalls {
  add(pieces: unknown): void;
  /** @throws {BackendError} when the engine's calls are not valid for clients */
  calls(): ToolCall[];
}

/**
 * Assembles tool calls. Many servers send wrong indexes, so ids have priority: a new id with a name starts a
 * call, and a known id continues its call. A piece without an id continues the last call of its index, or the
 * last call. A name is set once, even when it is repeated.
 */
export function createToolCalls(): ToolCalls {
  const assembled: Assembled[] = [];

  function target(piece: Piece): Assembled {
    const open = (piece.index !== undefined && lastWith('index', piece.index)) || assembled.at(-1);
    if (piece.id !== undefined) {
      const known = lastWith('id', piece.id);
      if (known) return known;
      // A call needs a name, so a new id amid the arguments does not start a call.
      if (open && piece.name === undefined && open.index === piece.index) return open;
      return begin(piece);
    }
    return open && !beginsAnother(piece, open) ? open : begin(piece);
  }

  function lastWith<K extends 'id' | 'index'>(key: K, value: Assembled[K]): Assembled | undefined {
    return assembled.findLast(call => call[key] === value);
  }

  function begin({ id, index }: Piece): Assembled {
    if (assembled.length >= LIMITS.tools)
      throw new BackendError(`The model called more than ${LIMITS.tools} tools`);
    const call: Assembled = { id, index, name: '', arguments: '' };
    assembled.push(call);
    return call;
  }

  return {
    add(pieces) {
      for (const value of [pieces].flat()) {
        const piece = pieceOf(value);
        if (!piece) continue;
        const call = target(piece);
        call.id ??= piece.id;
        if (call.name === '') call.name = piece.name ?? '';
        call.arguments = piece.isWhole ? piece.arguments : call.arguments + piece.arguments;
      }
    },
    calls() {
      const taken = new Set<string>();
      return assembled
        .filter(({ name }) => name !== '')
        .map(call => {
          if (call.name.length > LONGEST_NAME)
            throw new BackendError(`The model called a tool whose name has ${call.name.length} characters`);
          const given = shortened(call.id ?? '');
          const id = given === '' || taken.has(given) ? newId() : given;
          taken.add(id);
          return {
            id,
            type: 'function',
            function: { name: call.name, arguments: call.arguments.trim() === '' ? '{}' : call.arguments },
          };
        });
    },
  };
}

const newId = () => `call_${crypto.randomUUID().replaceAll('-', '')}`;

interface Piece {
  id: string | undefined;
  index: number | undefined;
  name: string | undefined;
  arguments: string;
  /** The arguments came as a whole object. */
  isWhole: boolean;
}

function pieceOf(value: unknown): Piece | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, index, function: called = value } = value as Record<string, unknown>;
  const { name, arguments: given } = Object(called);
  const isWhole = typeof given === 'object' && given !== null;
  return {
    id: (typeof id === 'string' && id !== '') || typeof id === 'number' ? String(id) : undefined,
    index: typeof index === 'number' ? index : undefined,
    name: typeof name === 'string' && name !== '' ? name : undefined,
    arguments: isWhole ? JSON.stringify(given) : typeof given === 'string' ? given : '',
    isWhole,
  };
}

/** Whether a piece without an id must start a new call, because it can not continue the open one. */
function beginsAnother(piece: Piece, open: Assembled): boolean {
  if (piece.name === undefined || open.name === '') return false;
  if (piece.index !== undefined && piece.index !== open.index) return true;
  if (piece.name !== open.name) return true;
  return piece.arguments !== '' && isJson(open.arguments);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
