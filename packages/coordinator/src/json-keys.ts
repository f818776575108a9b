/*
 * `JSON.parse` keeps the last of two members with one name, and says nothing. Whether there were any is told by
 * counting the text's colons outside of strings, which in JSON are as many as members: strings are passed over by
 * `indexOf`, so that the count costs little beside parsing.
 */

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

/** How many members the objects in a JSON text have, those with a name that was there before included. */
export function pairsIn(json: string): number {
  let pairs = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === COLON) pairs++;
    else if (code === QUOTE) at = endOfString(json, at);
  }
  return pairs;
}

/** Where the string ends that begins at `start`. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

/** The first name that an object in a JSON text has twice. */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let text = '';
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') objects.push(new Set());
    else if (character === '}') objects.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      text = json.slice(at, end + 1);
      at = end;
    } else if (character === ':') {
      const name = JSON.parse(text) as string;
      const names = objects.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}
