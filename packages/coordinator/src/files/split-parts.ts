import { fail } from '../errors.ts';

/** The approximate length of a part, in characters: the amount of a file that is held in memory at once. */
export const PART_LENGTH = 256 * 1024;

/** Splits a UTF-8 text into the parts of a file. Throws RequestError if the bytes are not UTF-8. */
export async function* splitIntoParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let texts: string[] = [];
  let length = 0;
  const append = (chunk?: Uint8Array) => {
    const text = decode(decoder, chunk);
    if (text === '') return;
    texts.push(text);
    length += text.length;
  };
  for await (const chunk of bytes) {
    append(chunk);
    if (length < PART_LENGTH) continue;
    yield texts.join('');
    texts = [];
    length = 0;
  }
  append();
  if (length > 0) yield texts.join('');
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    return fail('VALIDATION_INVALID_FORMAT', 'The file must be text in UTF-8', { field: 'file' });
  }
}
