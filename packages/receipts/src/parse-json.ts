import { canonicalJson, describeFault, findNonJson } from './canonical-json.ts';

/**
 * Parses I-JSON (RFC 7493). When an object has two members of the same name, `JSON.parse` takes the last and
 * other parsers take the first, so two readers could see two prices. This function throws instead.
 *
 * @throws SyntaxError for text that is not JSON, repeats a name within an object, or has a lone surrogate or
 * a number too large for a double
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const fault = findNonJson(value);
  if (fault) throw new SyntaxError(describeFault(fault));
  const repeated = findRepeatedName(text);
  if (repeated !== undefined) throw new SyntaxError(`The name ${repeated} occurs twice in an object`);
  return value;
}

/**
 * Parses canonical JSON (RFC 8785), such as an entry of the ledger. Any other way of writing the same value
 * is an error.
 *
 * @param source text, or its bytes in UTF-8 without a byte order mark
 * @throws SyntaxError when the source is not JSON, or not canonical; the message names the position in
 * UTF-16 code units
 */
export function parseCanonicalJson(source: string | Uint8Array): unknown {
  const text = typeof source === 'string' ? source : decode(source);
  const value = parseStrictJson(text);
  const canonical = canonicalJson(value);
  if (text !== canonical) {
    throw new SyntaxError(
      `Not canonical JSON (RFC 8785) from position ${firstDifference(text, canonical)} on`,
    );
  }
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError('The bytes are not UTF-8');
  }
}

function firstDifference(text: string, other: string): number {
  let position = 0;
  while (position < text.length && text[position] === other[position]) position++;
  return position;
}

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/**
 * Expects text that `JSON.parse` accepts. In such text a string is a name if an object's brace or comma
 * precedes it.
 */
function findRepeatedName(text: string): string | undefined {
  /** The names so far in each open object, innermost last; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let before = '';
  for (const [token] of text.matchAll(TOKENS)) {
    const names = open.at(-1);
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (names && token.startsWith('"') && (before === '{' || before === ',')) {
      const name: string = JSON.parse(token);
      if (names.has(name)) return token;
      names.add(name);
    }
    before = token;
  }
  return undefined;
}
