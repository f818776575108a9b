import { fail } from '../errors.ts';

/** About, in characters: what is written, and held in memory, at once. */
export const PART_LENGTH = 256 * 1024;

/** Bytes as the parts of a file. Throws RequestError where they are not UTF-8. */
export async function* partsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let texts: string[] = [];
  let length = 0;
  const take = (chunk?: Uint8Array) => {
    const text = decode(decoder, chunk);
    if (text === '') return;
    texts.push(text);
    length += text.length;
  };
  for await (const chunk of bytes) {
    take(chunk);
    if (length < PART_LENGTH) continue;
    yield texts.join('');
    texts = [];
    length = 0;
  }
  take();
  if (length > 0) yield texts.join('');
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    return fail('VALIDATION_INVALID_FORMAT', 'The file must be text in UTF-8', { field: 'file' });
  }
}
