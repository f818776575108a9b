import { hash } from 'node:crypto';
import { type ChatMessage, LIMITS, type ToolCall } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import { BackendError } from '../backend.ts';

/** Of the ids that clients get, which is as long as OpenAI's own may be. */
const LONGEST_ID = 128;
const LONGEST_NAME = 128;

/**
 * Ids of engines that are too long for clients, by the ones that clients got instead. Some engines keep in an id what
 * they need again when the conversation goes on.
 */
const longIds = new LRUCache<string, string>({
  maxSize: 16 * 1024 * 1024,
  maxEntrySize: 256 * 1024,
  sizeCalculation: id => id.length + 1,
});

/** The same for the same id of the engine, so that a conversation stays consistent on all miners. */
function shortened(id: string): string {
  if (id.length <= LONGEST_ID) return id;
  const short = `call_${hash('sha256', id.toWellFormed()).slice(0, 32)}`;
  longIds.set(short, id);
  return short;
}

/** A history in which calls have the ids again that the engine gave them. */
export function withEngineIds(messages: readonly ChatMessage[]): ChatMessage[] {
  const engineId = (id: string) => longIds.get(id) ?? id;
  return messages.map(({ tool_calls, tool_call_id, ...message }) => ({
    ...message,
    ...(tool_calls && { tool_calls: tool_calls.map(call => ({ ...call, id: engineId(call.id) })) }),
    ...(tool_call_id !== undefined && { tool_call_id: engineId(tool_call_id) }),
  }));
}

interface Assembled {
  /** As the engine gave it, if it did. */
  id: string | undefined;
  /** As the engine gave it, which need not be right. */
  index: unknown;
  name: string;
  arguments: string;
}

/** Tool calls as they come, whole or in pieces. */
export interface ToolCalls {
  add(pieces: unknown): void;
  /** @throws {BackendError} when the engine sent calls that no client would take */
  calls(): ToolCall[];
}

/**
 * Puts tool calls together. Many servers give indexes that are wrong, so ids go before them: a new id with a name is
 * a new call, a known one goes on with its call, and what has no id goes on with the last call of its index, or the
 * last one. A name is set once, however often it comes.
 */
export function createToolCalls(): ToolCalls {
  const assembled: Assembled[] = [];

  function target(piece: Piece): Assembled {
    const open = (piece.index !== undefined && lastWith('index', piece.index)) || assembled.at(-1);
    if (piece.id !== undefined) {
      const known = lastWith('id', piece.id);
      if (known) return known;
      // A call needs a name: an id that is new in the midst of the arguments is none of a new call.
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
            throw new BackendError(`The model called a tool by a name of ${call.name.length} characters`);
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
  /** The arguments came as an object, whole. */
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

/** Whether a piece without an id begins a call of its own, as it can't go on with the open one. */
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
