import { LIMITS } from '@aitbc/protocol';
import { fail } from '../../errors.ts';
import type { StreamChunk } from '../../store/events.ts';

/**
 * Reads the chunks of a body of JSON lines, each `{"text":"…"}` or `{"reasoning":"…"}`. Yields as many at once as have
 * arrived, so a slow consumer gets more of them each time. Throws RequestError for a line in another format.
 *
 * @param lineLimit the length limit of a line, in bytes
 */
export async function* readChunkLines(
  body: AsyncIterable<Uint8Array>,
  lineLimit: number,
): AsyncGenerator<StreamChunk[]> {
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineLimit)
      fail('PAYLOAD_TOO_LARGE', `Line ${number + lines.length + 1} is longer than ${lineLimit} bytes`);
    const chunks = lines.flatMap(line => chunksIn(line, ++number));
    for (let at = 0; at < chunks.length; at += LIMITS.chunks) yield chunks.slice(at, at + LIMITS.chunks);
  }
  const last = chunksIn(rest + decoder.decode(), number + 1);
  if (last.length > 0) yield last;
}

/** Returns no chunk for an empty line. */
function chunksIn(line: string, number: number): StreamChunk[] {
  if (line.trim() === '') return [];
  const chunk = parse(line);
  if (!chunk) fail('VALIDATION_INVALID_FORMAT', `Line ${number} is not JSON like {"text":"…"}`);
  return [{ ...chunk, text: chunk.text.toWellFormed() }];
}

function parse(line: string): StreamChunk | undefined {
  try {
    const { text, reasoning } = Object(JSON.parse(line));
    if (typeof text === 'string' && text !== '') return { kind: 'text', text };
    if (typeof reasoning === 'string' && reasoning !== '') return { kind: 'reasoning', text: reasoning };
  } catch {}
  return undefined;
}
