/*
 * JSON as its author wrote it. Parsing and serializing loses what only the text has: the order of members
 * named by numbers (`"10"` before `"2"`), and how numbers are written (`1.0`, `1e2`, whole numbers beyond
 * 2^53). When a text has any of these, the texts of its arrays and objects are stored with the parsed value,
 * and written again unchanged.
 */

const texts = new WeakMap<object, string>();

/**
 * Matches names that JavaScript moves to the front, and numbers that it writes differently. A text that
 * contains such characters may match too, which does no harm.
 */
const CHANGES =
  /"(?:\d|\\u003\d){1,10}"\s*:|[[,:\s](?:-?\d+(?:\.\d*0(?!\d)|(?:\.\d+)?[eE]|\.\d{15,})|-?\d{16,}|-0(?![.\d]))/;

/** Matches two escapes that are one character together. */
const PAIRS = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}/g;
const LONE = /\\u[dD][89a-fA-F]/;

/** How deep texts are stored: deep enough for the schemas of a request, and of each request in a list. */
const DEPTH = 5;

/** Stores the texts of a parsed value. When nothing needs storing, this only looks at each member once. */
export function keepText<T>(value: T, text: string): T {
  if (hasDepth(value) && CHANGES.test(text)) walk(text, blank(text, 0), value, 0);
  return value;
}

/** Parses JSON like `JSON.parse`, and stores its texts. */
export const parseOwn = (text: string): unknown => keepText(JSON.parse(text), text);

/** Writes JSON like `JSON.stringify`, except that stored texts are written unchanged. */
export function writeOwn(value: unknown): string {
  return hasOwn(value, DEPTH) ? write(value) : JSON.stringify(value);
}

/** Returns the stored text of an array or object; undefined when `JSON.stringify` writes the same. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null ? texts.get(value) : undefined;

/**
 * Whether a value contains nested objects. Most requests, and chats without tools, do not, so nothing is
 * stored.
 */
function hasDepth(value: unknown): boolean {
  return Object.entries(Object(value)).some(
    ([name, member]) =>
      !FLAT.includes(name) &&
      typeof member === 'object' &&
      member !== null &&
      Object.values(member).some(isObject),
  );
}

/** Members of requests that may be large and never contain a schema. */
const FLAT = ['messages', 'input', 'metadata'];

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

function hasOwn(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  return texts.has(value) || Object.values(value).some(member => hasOwn(member, depth - 1));
}

function write(value: unknown): string {
  const own = textOf(value);
  if (own !== undefined) return own;
  if (Array.isArray(value)) return `[${value.map(item => write(item ?? null)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value as object).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`).join(',')}}`;
}

/**
 * Stores the texts of the value that begins at `start`, and returns where it ends. The text must be valid
 * JSON of the value.
 */
function walk(text: string, start: number, value: unknown, depth: number): number {
  const opening = text[start];
  if (opening === '"') return endOfString(text, start);
  if (opening !== '{' && opening !== '[') return endOfScalar(text, start);
  if (depth > DEPTH) return endOfNested(text, start);
  let at = blank(text, start + 1);
  for (let index = 0; text[at] !== '}' && text[at] !== ']'; index++) {
    let name: string | number = index;
    if (opening === '{') {
      const end = endOfString(text, at);
      name = JSON.parse(text.slice(at, end)) as string;
      at = blank(text, blank(text, end) + 1);
    }
    const member = isObject(value) ? (value as Record<string | number, unknown>)[name] : undefined;
    at = blank(text, walk(text, at, member, depth + 1));
    if (text[at] === ',') at = blank(text, at + 1);
  }
  const own = text.slice(start, at + 1);
  // The root is written from its members. Text with lone surrogates is skipped, because parsing has changed
  // it.
  if (depth > 0 && isObject(value) && !LONE.test(own.replaceAll(PAIRS, ''))) texts.set(value as object, own);
  return at + 1;
}

const BLANK = /[ \t\n\r]*/y;
const SCALAR = /[^,\]}\s]*/y;
const NESTING = /["[\]{}]/g;

function blank(text: string, at: number): number {
  BLANK.lastIndex = at;
  return BLANK.test(text) ? BLANK.lastIndex : at;
}

function endOfScalar(text: string, at: number): number {
  SCALAR.lastIndex = at;
  return SCALAR.test(text) ? SCALAR.lastIndex : at;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end + 1;
    at = end;
  }
}

function endOfNested(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length; ) {
    NESTING.lastIndex = at;
    const found = NESTING.exec(text);
    if (!found) return text.length;
    const [mark] = found;
    at = mark === '"' ? endOfString(text, found.index) : found.index + 1;
    if (mark === '{' || mark === '[') open++;
    else if (mark !== '"' && --open === 0) return at;
  }
  return text.length;
}
