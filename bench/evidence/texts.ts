export interface Answer {
  text: string;
  /** Whether the model ended it by itself. */
  ended: boolean;
}

/** Answers that no run of the model stands behind, or that were changed afterwards. */
export function altered(
  honest: readonly Answer[],
  users: readonly string[],
  passages: readonly string[],
): Record<string, Answer[]> {
  const random = createRandom(5);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const words = [...new Set(honest.flatMap(({ text }) => text.split(' ').filter(word => word !== '')))];
  const edited = (text: string, share: number) => {
    const parts = text.split(' ');
    const count = Math.max(1, Math.round(share * parts.length));
    for (let change = 0; change < count; change++) parts[Math.floor(random() * parts.length)] = pick(words);
    return parts.join(' ');
  };
  const cut = (texts: readonly string[]) => texts.map(text => ({ text, ended: false }));
  return {
    'a tenth of the words changed': cut(honest.map(({ text }) => edited(text, 0.1))),
    "another prompt's answer": cut(honest.map((_, index) => honest[(index + 7) % honest.length]?.text ?? '')),
    'echo of the prompt': cut(users.map(user => user.slice(0, 160))),
    'text of people': cut(users.map((_, index) => middle(passages[(index + 5) % passages.length] ?? ''))),
    'random words': cut(users.map(() => Array.from({ length: 28 }, () => pick(words)).join(' '))),
  };
}

const middle = (passage: string) => passage.split(' ').slice(20, 50).join(' ');

/** Mulberry32: the same numbers in each run. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
