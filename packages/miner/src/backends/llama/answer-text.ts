/* Splits what a model writes, as it comes, into its reasoning, its answer up to a stop, and tool calls. */

export interface AnswerOptions {
  /** The answer ends before any of these. */
  stops: readonly string[];
  /** Whether the reasoning is between `<think>` and `</think>`; `open` means that it has already begun. */
  thinking: 'none' | 'possible' | 'open';
  /** How calls are distinguished from answers. */
  calls?: { marker: string; before: string } | undefined;
  onText: (piece: string) => void;
  onReasoning: (piece: string) => void;
}

/** What was found and where in the text: the end of the reasoning, the start of calls, or a stop. */
interface Found {
  kind: 'answer' | 'calls' | 'stop';
  at: number;
}

const THINK = '<think>';
const THOUGHT = '</think>';

export interface AnswerText {
  /** Takes the whole text so far whenever it grows. */
  read(text: string): Found | undefined;
  /** Ends the text. */
  end(): void;
  readonly text: string;
  readonly reasoning: string;
}

export function createAnswerText({ stops, thinking, calls, onText, onReasoning }: AnswerOptions): AnswerText {
  let stage: 'start' | 'thinking' | 'answer' =
    thinking === 'open' ? 'thinking' : thinking === 'possible' ? 'start' : 'answer';
  let whole = '';
  /** How much of the text has been passed on. */
  let at = 0;
  let text = '';
  let reasoning = '';

  function think(until: number): void {
    const piece = reasoning === '' ? whole.slice(at, until).trimStart() : whole.slice(at, until);
    at = until;
    reasoning += piece;
    if (piece !== '') onReasoning(piece);
  }

  function answer(until: number): void {
    const isFirst = text === '' && thinking !== 'none';
    const piece = isFirst ? whole.slice(at, until).trimStart() : whole.slice(at, until);
    at = Math.max(at, until);
    text += piece;
    if (piece !== '') onText(piece);
  }

  function readStart(): Found | undefined {
    const begun = whole.trimStart();
    if (begun.startsWith(THINK)) {
      at = whole.indexOf(THINK) + THINK.length;
      stage = 'thinking';
    } else if (!THINK.startsWith(begun)) stage = 'answer';
    return stage === 'start' ? undefined : readOn();
  }

  function readThoughts(): Found | undefined {
    const end = whole.indexOf(THOUGHT, at);
    if (end < 0) {
      think(Math.max(at, heldFrom(whole, [THOUGHT])));
      return undefined;
    }
    think(end);
    at = end + THOUGHT.length;
    stage = 'answer';
    return { kind: 'answer', at };
  }

  function readAnswer(): Found | undefined {
    const stop = firstOf(whole, stops, at);
    const call = calls && startOfCalls(calls, whole, at, text);
    if (stop !== undefined && (call === undefined || stop <= call)) {
      answer(stop);
      return { kind: 'stop', at: stop };
    }
    if (call !== undefined) {
      // White space alone is not an answer.
      if (text !== '' || whole.slice(at, call).trim() !== '') answer(call);
      return { kind: 'calls', at: call };
    }
    const isUndecided =
      calls?.marker === '' && text === '' && calls.before.startsWith(whole.slice(at).trim());
    const words = calls?.marker ? [...stops, calls.marker] : stops;
    if (!isUndecided) answer(Math.max(at, heldFrom(whole, words)));
    return undefined;
  }

  const readOn = (): Found | undefined =>
    stage === 'start' ? readStart() : stage === 'thinking' ? readThoughts() : readAnswer();

  return {
    read(all) {
      whole = all;
      return readOn();
    },
    end() {
      if (stage === 'thinking') think(whole.length);
      else answer(whole.length);
    },
    get text() {
      return text;
    },
    get reasoning() {
      return reasoning;
    },
  };
}

function firstOf(whole: string, words: readonly string[], from: number): number | undefined {
  const found = words.map(word => whole.indexOf(word, from)).filter(index => index >= 0);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Calls without a marker must start the answer. */
function startOfCalls(
  { marker, before }: NonNullable<AnswerOptions['calls']>,
  whole: string,
  from: number,
  text: string,
): number | undefined {
  if (marker !== '') return firstOf(whole, [marker], from);
  const rest = whole.slice(from);
  return text === '' && rest.trimStart().startsWith(before)
    ? whole.length - rest.trimStart().length
    : undefined;
}

/** Returns where the end of the text may be the start of one of the words. */
function heldFrom(whole: string, words: readonly string[]): number {
  const held = words.map(word => {
    for (let length = Math.min(word.length - 1, whole.length); length > 0; length--)
      if (whole.endsWith(word.slice(0, length))) return length;
    return 0;
  });
  return whole.length - Math.max(0, ...held);
}
