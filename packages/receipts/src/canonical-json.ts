import canonicalize from 'canonicalize';

const MAX_DEPTH = 500;
const utf8 = new TextEncoder();

/**
 * Returns the canonical JSON of a value by RFC 8785: no white space, members sorted by the UTF-16 code units
 * of their names, numbers and strings written as ECMAScript does.
 *
 * Only I-JSON (RFC 7493) has a canonical form: null, booleans, finite numbers, strings without lone
 * surrogates, and arrays and plain objects of these.
 *
 * @throws TypeError that names the place, for anything else (`undefined`, `NaN`, a `Date`, …) and for values
 * nested more than 500 levels deep, which includes cycles. Nothing is left out or converted silently.
 */
export function canonicalJson(value: unknown): string {
  const fault = findNonJson(value);
  if (fault) throw new TypeError(describeFault(fault));
  // JSON.stringify writes numbers and strings as RFC 8785 does, and members in the order in which they are enumerated.
  if (isSorted(value)) return JSON.stringify(value);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not JSON');
  return text;
}

/** Returns the UTF-8 bytes of {@link canonicalJson}, which are signed, hashed and entered into the ledger. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8.encode(canonicalJson(value));
}

/** Whether the members of all objects in a JSON value are enumerated in the order of canonical JSON. */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let last: string | undefined;
  for (const name of Object.keys(value)) {
    if (last !== undefined && !(last < name)) return false;
    if (!isSorted((value as Record<string, unknown>)[name])) return false;
    last = name;
  }
  return true;
}

interface Fault {
  /** Member names and indexes from the outermost value to the faulty one. */
  path: string[];
  reason: string;
}

/** Returns the first part of a value that I-JSON can not express. */
export function findNonJson(value: unknown, depth = 0): Fault | undefined {
  if (value === null || typeof value === 'boolean') return undefined;
  if (typeof value === 'string') return value.isWellFormed() ? undefined : fault('a lone surrogate');
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : fault(String(value));
  if (typeof value !== 'object')
    return fault(typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`);
  if (depth > MAX_DEPTH) return fault(`nesting beyond ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return findInArray(value, depth);
  if (!isPlain(value)) return fault('an object that is not plain');
  for (const [name, member] of Object.entries(value)) {
    if (!name.isWellFormed()) return fault('a name with a lone surrogate');
    const found = findNonJson(member, depth + 1);
    if (found) return within(name, found);
  }
  return undefined;
}

export function describeFault({ path, reason }: Fault): string {
  return path.length === 0 ? `${reason} is not JSON` : `${path.join('.')}: ${reason} is not JSON`;
}

/** Uses a counter, because array callbacks skip the holes of a sparse array. */
function findInArray(items: readonly unknown[], depth: number): Fault | undefined {
  for (let index = 0; index < items.length; index++) {
    const found = findNonJson(items[index], depth + 1);
    if (found) return within(String(index), found);
  }
  return undefined;
}

function fault(reason: string): Fault {
  return { path: [], reason };
}

function within(name: string, { path, reason }: Fault): Fault {
  return { path: [name, ...path], reason };
}

/**
 * Whether an object comes from a literal or a parser. Objects of another realm, such as a frame, count too.
 */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
