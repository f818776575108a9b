/*
 * Writes GBNF, the grammar notation of llama.cpp:
 * https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
 */

/** Rules by their names. Each may refer to others by name. */
export interface Grammar {
  /** Adds a rule, or finds an equal one. Returns its name. */
  rule(body: string): string;
  /** Returns a name for a rule that is defined later, so that the rule can refer to itself. */
  reserve(): string;
  define(name: string, body: string): void;
  /** Returns the whole grammar, for texts of the form `root`. */
  text(root: string): string;
}

export function createGrammar(): Grammar {
  const rules = new Map<string, string>();
  const names = new Map<string, string>();
  let reserved = 0;
  const grammar: Grammar = {
    rule(body) {
      const known = names.get(body);
      if (known !== undefined) return known;
      const name = grammar.reserve();
      names.set(body, name);
      rules.set(name, body);
      return name;
    },
    reserve: () => `r${reserved++}`,
    define(name, body) {
      rules.set(name, body);
    },
    text: root => [`root ::= ${root}`, ...[...rules].map(([name, body]) => `${name} ::= ${body}`)].join('\n'),
  };
  return grammar;
}

export function literal(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/[^ -~]/gu, escapeOf);
  return `"${escaped}"`;
}

/** A range of code points, both ends included. */
export type CodeRange = readonly [first: number, last: number];

/** Matches one character of the ranges. */
export function characterOf(ranges: readonly CodeRange[]): string {
  const parts = ranges.map(([first, last]) =>
    first === last ? classCharacter(first) : `${classCharacter(first)}-${classCharacter(last)}`,
  );
  return `[${parts.join('')}]`;
}

function classCharacter(code: number): string {
  const character = String.fromCodePoint(code);
  return /[A-Za-z0-9]/.test(character) ? character : escapeOf(character);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

export const either = (alternatives: readonly string[]): string =>
  alternatives.length === 1 ? (alternatives[0] ?? '') : `(${alternatives.join(' | ')})`;

/** llama.cpp allows 2,000 repetitions in one rule. Fewer keep each rule small. */
const REPETITIONS_PER_RULE = 256;

/** The grammar does not count more repetitions than this. */
const COUNTED_REPETITIONS = 16_384;

/** Repeats `part` from `min` to `max` times. */
export function repeated(grammar: Grammar, part: string, min: number, max: number): string {
  if (max > COUNTED_REPETITIONS) return joined(exactly(grammar, part, min), `${part}*`);
  return joined(exactly(grammar, part, min), upTo(grammar, part, max - min));
}

function exactly(grammar: Grammar, part: string, count: number): string {
  if (count === 0) return '';
  if (count === 1) return part;
  if (count <= REPETITIONS_PER_RULE) return `${part}{${count}}`;
  const block = grammar.rule(`${part}{${REPETITIONS_PER_RULE}}`);
  const blocks = exactly(grammar, block, Math.floor(count / REPETITIONS_PER_RULE));
  return joined(blocks, exactly(grammar, part, count % REPETITIONS_PER_RULE));
}

/**
 * Decides at the end of a block whether another one follows. A grammar that left this open would be slow to
 * follow.
 */
function upTo(grammar: Grammar, part: string, count: number): string {
  if (count === 0) return '';
  if (count <= REPETITIONS_PER_RULE) return `${part}{0,${count}}`;
  const block = grammar.rule(`${part}{${REPETITIONS_PER_RULE}}`);
  const more = upTo(grammar, part, count - REPETITIONS_PER_RULE);
  return grammar.rule(`${part}{0,${REPETITIONS_PER_RULE - 1}} | ${block} ${more}`);
}

/** Concatenates the parts that are not empty. */
export const joined = (...parts: readonly string[]): string => parts.filter(part => part !== '').join(' ');
