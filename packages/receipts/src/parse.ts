import { canonicalJson, describeFault, findNonJson } from './canonical-json.ts';

/**
 * Parses I-JSON (RFC 7493). `JSON.parse` takes the last of two members of the same name where other parsers take the
 * first, so that two readers of one text may see two prices: here such a text is refused.
 *
 * @throws SyntaxError for what is not JSON, repeats a name within an object, has a lone surrogate, or a number too
 * large for a double.
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
 * Parses canonical JSON (RFC 8785), such as an entry of the ledger, and refuses any other spelling of the same value.
 *
 * @param source text, or its bytes in UTF-8 (no byte order mark)
 * @throws SyntaxError for what is not JSON, or is not canonical (it names the position, in UTF-16 code units)
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

/** Expects text that `JSON.parse` has accepted: then a string is a name if an object's brace or comma is before it. */
function findRepeatedName(text: string): string | undefined {
  /** Of each open brace or bracket the names so far; null in an array. */
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
