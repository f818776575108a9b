import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { type CodeRange, characterOf, either, type Grammar, joined, repeated } from './gbnf.ts';

/*
 * Translates regular expressions of JavaScript, which JSON Schema uses as patterns, to GBNF for the inside of
 * a JSON string.
 */

/** A part of a regular expression that a grammar can not express. */
export class PatternError extends Error {
  override name = 'PatternError';
}

export interface Lengths {
  min: number;
  max: number;
}

const ALL: readonly CodeRange[] = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];
const DIGITS: readonly CodeRange[] = [[0x30, 0x39]];
const WORD: readonly CodeRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACE: readonly CodeRange[] = [
  ...([
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ] as const),
];
const LINE_ENDS: readonly CodeRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** One character of a JSON string, escaped when JSON demands it. */
export const anyCharacter = (grammar: Grammar) => jsonCharacter(grammar, ALL);

/**
 * Returns what matches a pattern, anywhere unless it is anchored.
 *
 * @throws {PatternError} for lookaround, word boundaries, back references, Unicode properties, and lengths
 * that can not be counted within the pattern
 */
export function patternGrammar(grammar: Grammar, pattern: string, lengths: Lengths): string {
  const { alternatives } = parse(pattern);
  const any = `${anyCharacter(grammar)}*`;
  const isFree = lengths.min === 0 && lengths.max === Infinity;
  if (isFree) return either(alternatives.map(alternative => anchored(grammar, alternative, any)));
  const counted = alternatives.length === 1 && countedRepetition(grammar, alternatives[0], lengths);
  if (counted) return counted;
  if (alternatives.every(alternative => isWithin(lengthsOf(alternative), lengths)))
    return either(alternatives.map(alternative => anchored(grammar, alternative, any)));
  throw new PatternError('lengths can not be counted within this pattern');
}

function parse(pattern: string): AST.Pattern {
  const parser = new RegExpParser({ ecmaVersion: 2025 });
  try {
    return parser.parsePattern(pattern, 0, pattern.length, { unicode: true });
  } catch {
    // Some escapes are errors in Unicode mode only. ajv and browsers fall back in the same way.
    return parser.parsePattern(pattern, 0, pattern.length, { unicode: false });
  }
}

const isEdge = (element: AST.Element | undefined, kind: 'start' | 'end') =>
  element?.type === 'Assertion' && element.kind === kind;

/** Returns the elements of an alternative without its anchors, and which anchors it has. */
function unanchored({ elements }: AST.Alternative) {
  const [startsAnchored, endsAnchored] = [isEdge(elements[0], 'start'), isEdge(elements.at(-1), 'end')];
  const inside = elements.slice(startsAnchored ? 1 : 0, endsAnchored ? -1 : undefined);
  return { inside, startsAnchored, endsAnchored };
}

function anchored(grammar: Grammar, alternative: AST.Alternative, any: string): string {
  const { inside, startsAnchored, endsAnchored } = unanchored(alternative);
  const [only] = inside;
  // Both anchors may be around a group: ^(?:a|b)$ is as common as (?:^a$|^b$).
  if (inside.length === 1 && only && !startsAnchored && !endsAnchored && isGroup(only))
    return either(only.alternatives.map(each => anchored(grammar, each, any)));
  const parts = inside.map(element => grammarOf(grammar, element));
  return group(joined(startsAnchored ? '' : any, ...parts, endsAnchored ? '' : any));
}

const isGroup = (element: AST.Element): element is AST.Group | AST.CapturingGroup =>
  element.type === 'Group' || element.type === 'CapturingGroup';

const group = (body: string) => (body === '' ? '""' : `(${body})`);

/** Handles patterns such as `^[a-z]+$`, the only kind in which a length can be counted. */
function countedRepetition(
  grammar: Grammar,
  alternative: AST.Alternative | undefined,
  { min, max }: Lengths,
): string | undefined {
  if (!alternative) return undefined;
  const { inside, startsAnchored, endsAnchored } = unanchored(alternative);
  const [only] = inside;
  if (inside.length !== 1 || !startsAnchored || !endsAnchored || only?.type !== 'Quantifier')
    return undefined;
  const [least, most] = characterLengths(only.element) ?? [];
  if (least !== 1 || most !== 1) return undefined;
  const [fewest, longest] = [Math.max(min, only.min), Math.min(max, only.max)];
  if (fewest > longest) throw new PatternError('no text has such a length');
  return group(repeated(grammar, grammarOf(grammar, only.element), fewest, longest));
}

function isWithin([least, most]: readonly [number, number], { min, max }: Lengths): boolean {
  return least >= min && most <= max;
}

function lengthsOf(alternative: AST.Alternative): readonly [number, number] {
  const { inside, startsAnchored, endsAnchored } = unanchored(alternative);
  const [least, most] = sequenceLengths(inside);
  return [least, startsAnchored && endsAnchored ? most : Infinity];
}

function sequenceLengths(elements: readonly AST.Element[]): readonly [number, number] {
  const lengths = elements.map(element => characterLengths(element) ?? [0, Infinity]);
  return [lengths.reduce((sum, [least]) => sum + least, 0), lengths.reduce((sum, [, most]) => sum + most, 0)];
}

/** Returns the fewest and the most characters of an element. */
function characterLengths(element: AST.Element): readonly [number, number] | undefined {
  if (element.type === 'Quantifier') {
    const [least, most] = characterLengths(element.element) ?? [0, Infinity];
    return [least * element.min, most === 0 ? 0 : most * element.max];
  }
  if (isGroup(element)) {
    const lengths = element.alternatives.map(({ elements }) => sequenceLengths(elements));
    return [Math.min(...lengths.map(([least]) => least)), Math.max(...lengths.map(([, most]) => most))];
  }
  return element.type === 'Assertion' ? [0, 0] : [1, 1];
}

function grammarOf(grammar: Grammar, element: AST.Element): string {
  switch (element.type) {
    case 'Character':
    case 'CharacterClass':
    case 'CharacterSet':
      return jsonCharacter(grammar, rangesOf(element));
    case 'Quantifier': {
      const part = grammar.rule(grammarOf(grammar, element.element));
      return group(repeated(grammar, part, element.min, element.max));
    }
    case 'Group':
    case 'CapturingGroup':
      if (element.type === 'Group' && element.modifiers) throw new PatternError('it has modifiers');
      return group(
        element.alternatives
          .map(({ elements }) => group(joined(...elements.map(inner => grammarOf(grammar, inner)))))
          .join(' | '),
      );
    default:
      throw new PatternError(`${JSON.stringify(element.raw)} has no counterpart in a grammar`);
  }
}

type Characters = AST.Character | AST.CharacterClass | AST.CharacterSet;

function rangesOf(characters: Characters): readonly CodeRange[] {
  if (characters.type === 'Character') return [[characters.value, characters.value]];
  if (characters.type === 'CharacterSet') return setRanges(characters);
  const ranges = characters.elements.flatMap(element => {
    if (element.type === 'CharacterClassRange') return [[element.min.value, element.max.value] as const];
    if (element.type === 'Character' || element.type === 'CharacterSet') return rangesOf(element);
    throw new PatternError(`${JSON.stringify(element.raw)} has no counterpart in a grammar`);
  });
  return characters.negate ? without(ALL, ranges) : ranges;
}

function setRanges(set: AST.CharacterSet): readonly CodeRange[] {
  if (set.kind === 'any') return without(ALL, LINE_ENDS);
  if (set.kind === 'property') throw new PatternError(`${set.raw} has no counterpart in a grammar`);
  const ranges = { digit: DIGITS, space: SPACE, word: WORD }[set.kind];
  return set.negate ? without(ALL, ranges) : ranges;
}

function without(ranges: readonly CodeRange[], removed: readonly CodeRange[]): readonly CodeRange[] {
  return removed.reduce<readonly CodeRange[]>(
    (left, [first, last]) =>
      left.flatMap(([from, to]): CodeRange[] => {
        if (last < from || first > to) return [[from, to]];
        return [
          ...(from < first ? [[from, first - 1] as const] : []),
          ...(to > last ? [[last + 1, to] as const] : []),
        ];
      }),
    ranges,
  );
}

/** Characters that JSON strings must escape: control characters, quotes and backslashes. */
const ESCAPED: readonly CodeRange[] = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x7f],
  [0xd800, 0xdfff],
];
const ESCAPES = { 34: '"', 92: '\\\\', 8: 'b', 12: 'f', 10: 'n', 13: 'r', 9: 't' };

/** Matches one of these characters within a JSON string. */
function jsonCharacter(grammar: Grammar, ranges: readonly CodeRange[]): string {
  const plain = without(ranges, ESCAPED);
  const escapes = Object.entries(ESCAPES).filter(([code]) =>
    ranges.some(([first, last]) => Number(code) >= first && Number(code) <= last),
  );
  const alternatives = [
    ...(plain.length > 0 ? [characterOf(plain)] : []),
    ...(escapes.length > 0 ? [`"\\\\" [${escapes.map(([, letter]) => letter).join('')}]`] : []),
  ];
  if (alternatives.length === 0) throw new PatternError('it matches no character that JSON can hold');
  return grammar.rule(alternatives.join(' | '));
}
