import { keepText } from '@aitbc/protocol';
import { parse } from 'secure-json-parse';
import { duplicateKey, pairsIn } from './json-keys.ts';
import { refuse } from './store/operation.ts';

/** Deeper than any request needs, and far from where serializers run out of stack. */
const MAX_DEPTH = 64;

/** A text as `takeJsonBodies` takes bodies. Throws SyntaxError, or Refused as `soundJson` does. */
export function parseJson(text: string): unknown {
  return keepText(soundJson(text, parse(text)), text);
}

const LINE_ENDS: Readonly<Record<string, string>> = {
  '\u0085': '\\u0085',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** The same JSON without the characters at which some readers of lines, such as Python's, end a line. */
export function lineSafe(json: string): string {
  return json.replaceAll(/[\u0085\u2028\u2029]/g, end => LINE_ENDS[end] ?? end);
}

/**
 * What was parsed from a text, changed only where a text in it is not Unicode. Throws Refused for what is nested too
 * deeply, for numbers such as 1e400, which would go on as null, and for an object that has a name twice, of which
 * every parser takes another one.
 */
export function soundJson(text: string, parsed: unknown): unknown {
  const walk = { body: parsed, pairs: 0 };
  const sound = soundPart(parsed, walk, 0);
  if (walk.pairs !== pairsIn(text)) refuseDuplicate(text);
  return sound;
}

interface Walk {
  body: unknown;
  /** Members of all objects so far. */
  pairs: number;
}

function soundPart(value: unknown, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value)) refuseInfinity(walk.body);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH)
    refuse('VALIDATION_OUT_OF_RANGE', `The body is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = soundPart(item, walk, depth + 1);
    return value;
  }
  const members = value as Record<string, unknown>;
  for (const [name, member] of Object.entries(members)) {
    walk.pairs++;
    const sound = soundPart(member, walk, depth + 1);
    if (!name.isWellFormed()) delete members[name];
    if (sound !== member || !name.isWellFormed()) members[name.toWellFormed()] = sound;
  }
  return members;
}

function refuseDuplicate(text: string): never {
  const name = duplicateKey(text)?.toWellFormed() ?? '';
  return refuse('VALIDATION_INVALID_FORMAT', `The body has ${JSON.stringify(name)} twice in one object`);
}

/** Only who is refused pays for the search of the field. */
function refuseInfinity(body: unknown): never {
  const field = pathOfInfinity(body).join('.');
  const detail = `${field || 'The body'} must be a number that JSON libraries have`;
  return refuse('VALIDATION_INVALID_TYPE', detail, { ...(field && { field }) });
}

function pathOfInfinity(value: unknown): string[] {
  for (const [name, member] of Object.entries(Object(value))) {
    if (typeof member === 'number' && !Number.isFinite(member)) return [name];
    const inner = typeof member === 'object' ? pathOfInfinity(member) : [];
    if (inner.length > 0) return [name, ...inner];
  }
  return [];
}
