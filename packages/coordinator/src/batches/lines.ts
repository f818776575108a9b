/** Where a line begins: in which part of a file, how many characters into it, and its number, from 1. */
export interface Place {
  part: number;
  position: number;
  line: number;
}

export const BEGINNING: Place = { part: 0, position: 0, line: 1 };

export interface Line {
  number: number;
  /** Without its line feed; undefined where it is longer than it may be. */
  text: string | undefined;
  /** The place behind it. */
  end: Place;
}

/**
 * The lines of a file from a place on, with no more than a part and a line in memory.
 *
 * @param partAt the text of a part, undefined behind the last one
 * @param limit the longest line, in characters
 */
export async function* linesOf(
  partAt: (index: number) => Promise<string | undefined>,
  from: Place,
  limit: number,
): AsyncGenerator<Line> {
  let { part, position, line: number } = from;
  let begun = '';
  let isTooLong = false;
  const take = (text: string) => {
    isTooLong ||= begun.length + text.length > limit;
    begun = isTooLong ? '' : begun + text;
  };
  const lineTo = (end: Place): Line => {
    const line = { number, text: isTooLong ? undefined : begun, end };
    number = end.line;
    begun = '';
    isTooLong = false;
    return line;
  };
  let text = await partAt(part);
  while (text !== undefined) {
    const end = text.indexOf('\n', position);
    if (end >= 0) {
      take(text.slice(position, end));
      position = end + 1;
      yield lineTo({ part, position, line: number + 1 });
      continue;
    }
    take(text.slice(position));
    part++;
    position = 0;
    text = await partAt(part);
  }
  if (begun !== '' || isTooLong) yield lineTo({ part, position, line: number + 1 });
}
