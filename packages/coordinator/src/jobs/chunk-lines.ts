import { LIMITS } from '@aitbc/protocol';
import { refuse } from '../store/operation.ts';

/**
 * The texts of a body of JSON lines, `{"text":"…"}` each, as many at once as have arrived: whoever is slow to take them
 * so gets more of them the next time. Throws Refused for what is no such line.
 *
 * @param lineLimit bytes of one line
 */
export async function* readChunkLines(
  body: AsyncIterable<Uint8Array>,
  lineLimit: number,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineLimit)
      refuse('PAYLOAD_TOO_LARGE', `Line ${number + lines.length + 1} is longer than ${lineLimit} bytes`);
    const texts = lines.flatMap(line => textIn(line, ++number));
    for (let at = 0; at < texts.length; at += LIMITS.chunks) yield texts.slice(at, at + LIMITS.chunks);
  }
  const last = textIn(rest + decoder.decode(), number + 1);
  if (last.length > 0) yield last;
}

/** None in an empty line. */
function textIn(line: string, number: number): string[] {
  if (line.trim() === '') return [];
  const text = parse(line);
  if (typeof text !== 'string' || text === '')
    refuse('VALIDATION_INVALID_FORMAT', `Line ${number} is no JSON like {"text":"…"}`);
  return [text.toWellFormed()];
}

function parse(line: string): unknown {
  try {
    return Object(JSON.parse(line)).text;
  } catch {
    return undefined;
  }
}
