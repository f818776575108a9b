/** How long a passage must be to count as copied, in characters. */
const PASSAGE = 24;

/** Which share of an answer's characters must be copied. */
const COPIED = 0.8;

/**
 * Whether most of an answer is copied from its prompt, in passages of 24 characters or more, whatever their order. Copied
 * text is likely for any model, so numbers say little about it. Answers that are shorter than a passage are no echo.
 */
export function isEcho(prompt: string, answer: string): boolean {
  const [source, text] = [normalized(prompt), normalized(answer)];
  if (text.length < PASSAGE) return false;
  const wanted = new Set<string>();
  for (let at = 0; at + PASSAGE <= text.length; at++) wanted.add(text.slice(at, at + PASSAGE));
  const found = new Set<string>();
  for (let at = 0; at + PASSAGE <= source.length; at++) {
    const passage = source.slice(at, at + PASSAGE);
    if (wanted.has(passage)) found.add(passage);
  }
  let [copied, end] = [0, 0];
  for (let at = 0; at + PASSAGE <= text.length; at++) {
    if (!found.has(text.slice(at, at + PASSAGE))) continue;
    copied += at + PASSAGE - Math.max(at, end);
    end = at + PASSAGE;
  }
  return copied >= COPIED * text.length;
}

const normalized = (text: string) => text.toLowerCase().replace(/\s+/g, ' ').trim();
