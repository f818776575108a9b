import { keepText } from '@aitbc/protocol';
import { parse } from 'secure-json-parse';
import { fail } from './errors.ts';
import { duplicateKey, failOnDepth, MAX_DEPTH, pairsIn } from './json-scan.ts';

/** A text as `takeJsonBodies` takes bodies. Throws SyntaxError, or RequestError as `soundJson` does. */
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

export interface SoundJsonOptions {
  /** Is told the fields with lone surrogates, which then become U+FFFD rather than errors. */
  onReplaced?: ((fields: string[]) => void) | undefined;
  /** How many members the objects in the text have, where that is known. */
  members?: number | undefined;
}

/**
 * What was parsed from a text. Throws RequestError for what is nested too deeply, for numbers such as 1e400, which would go
 * on as null, for an object that has a name twice, of which every parser takes another one, and for lone surrogates
 * such as "\\ud800", which have no UTF-8 and so no hash.
 */
export function soundJson(
  text: string,
  parsed: unknown,
  { onReplaced, members }: SoundJsonOptions = {},
): unknown {
  const walk: Walk = { body: parsed, pairs: 0, illFormed: undefined, mayReplace: onReplaced !== undefined };
  const sound = soundPart(parsed, walk, 0);
  if (walk.pairs !== (members ?? pairsIn(text))) failOnDuplicate(text);
  if (walk.illFormed) onReplaced?.(walk.illFormed);
  return sound;
}

interface Walk {
  body: unknown;
  /** Members of all objects so far. */
  pairs: number;
  /** The fields with lone surrogates, once one was found. */
  illFormed: string[] | undefined;
  mayReplace: boolean;
}

function soundPart(value: unknown, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : replaced(value, walk);
  if (typeof value === 'number' && !Number.isFinite(value)) failOnInfinity(walk.body);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) failOnDepth();
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const sound = soundPart(value[index], walk, depth + 1);
      if (sound !== value[index]) value[index] = sound;
    }
    return value;
  }
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    walk.pairs++;
    const member = members[name];
    const sound = soundPart(member, walk, depth + 1);
    if (!name.isWellFormed()) {
      const wellFormed = replaced(name, walk);
      delete members[name];
      members[wellFormed] = sound;
    } else if (sound !== member) members[name] = sound;
  }
  return members;
}

function failOnDuplicate(text: string): never {
  const name = duplicateKey(text)?.toWellFormed() ?? '';
  return fail('VALIDATION_INVALID_FORMAT', `The body has ${JSON.stringify(name)} twice in one object`);
}

/** A text with U+FFFD for its lone surrogates, where that may be. */
function replaced(text: string, walk: Walk): string {
  walk.illFormed ??= pathsOf(
    walk.body,
    part => typeof part === 'string' && !part.isWellFormed(),
    walk.mayReplace ? MOST_PATHS : 1,
  );
  if (!walk.mayReplace) {
    const field = walk.illFormed[0];
    const detail = `${field || 'The body'} has a lone surrogate, half of a character: cut texts between characters`;
    fail('VALIDATION_INVALID_FORMAT', detail, { ...(field && { field }) });
  }
  return text.toWellFormed();
}

function failOnInfinity(body: unknown): never {
  const [field] = pathsOf(body, part => typeof part === 'number' && !Number.isFinite(part), 1);
  const detail = `${field || 'The body'} must be a number that JSON libraries can represent`;
  return fail('VALIDATION_INVALID_TYPE', detail, { ...(field && { field }) });
}

/** More fields than that are not named. */
const MOST_PATHS = 100;

/** The first fields, or their names, that are so. Only bodies with such a field pay for the search. */
function pathsOf(body: unknown, isSo: (part: unknown) => boolean, most: number): string[] {
  const found: string[] = [];
  const look = (value: unknown, path: () => string): void => {
    if (found.length >= most) return;
    if (typeof value !== 'object' || value === null) {
      if (isSo(value)) found.push(path());
      return;
    }
    const inner = (name: string | number) => () =>
      [path(), String(name).toWellFormed()].filter(Boolean).join('.');
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length && found.length < most; index++)
        look(value[index], inner(index));
      return;
    }
    for (const name of Object.keys(value)) {
      if (isSo(name)) found.push(inner(name)());
      else look((value as Record<string, unknown>)[name], inner(name));
    }
  };
  look(body, () => '');
  return found.slice(0, most);
}
