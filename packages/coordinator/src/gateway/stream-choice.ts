import type { Job, JobEvent } from '@aitbc/protocol';
import type { AnsweredJob, ChoicePieces } from './endpoint.ts';
import { jobFailure, OpenAiError, STOPPING } from './errors.ts';

/** The text that has been sent to the client, and so can't be changed. */
interface SentText {
  /** Another attempt starts the text from its beginning. */
  restart(): void;
  /** Returns the unsent part of the attempt's next text. Throws OpenAiError if the text differs from what was sent. */
  next(text: string): string;
  /** Returns the unsent part of the complete text. Throws OpenAiError if the text differs from what was sent. */
  rest(whole: string): string;
}

/**
 * Yields the event bodies of one choice while its job runs, and returns the completed job. If another attempt takes
 * over, its text continues where the earlier one broke off, provided that both begin in the same way, as they do with a
 * seed or at temperature 0.
 *
 * @throws {OpenAiError} if the job does not complete, or if another attempt produces other text than was sent
 */
export async function* streamChoice(
  events: AsyncIterable<JobEvent> | Iterable<JobEvent>,
  job: Job,
  pieces: ChoicePieces,
  onRunning: (jobId: string, minerId: string) => void = () => {},
): AsyncGenerator<object, AnsweredJob> {
  const sent = createSentText();
  const reasoning = createSentReasoning();
  let answered: AnsweredJob | undefined;
  for await (const { event, data } of events) {
    if (event === 'chunk') {
      const text = sent.next(data.text);
      if (text !== '') yield pieces.text(text);
    }
    if (event === 'reasoning' && pieces.reasoning) {
      const thought = reasoning.next(data.text);
      if (thought !== '') yield pieces.reasoning(thought);
    }
    if (event === 'restart') {
      sent.restart();
      reasoning.restart();
    }
    if (event === 'status' && data.status === 'running' && data.miner_id !== null)
      onRunning(data.job_id, data.miner_id);
    if (event === 'status' && data.status === 'cancelled')
      throw jobFailure({ status: 'cancelled', error: null });
    if (event === 'error') throw jobFailure({ status: 'failed', error: data });
    if (event === 'result') answered = { ...job, ...data };
    if (event === 'receipt' && answered) {
      const done = { ...answered, receipt_id: data.receipt_id };
      const thought = reasoning.rest(done.reasoning ?? '');
      if (thought !== '' && pieces.reasoning) yield pieces.reasoning(thought);
      yield* pieces.end(done, sent.rest(pieces.fullText(done)));
      return done;
    }
  }
  throw STOPPING;
}

/**
 * Tracks the reasoning that was sent. The reasoning may be incomplete: nothing more is sent when another attempt
 * reasons differently.
 */
function createSentReasoning(): SentText {
  const sent = createSentText();
  let hasDiverged = false;
  const orEmpty = (unsent: () => string) => {
    try {
      return hasDiverged ? '' : unsent();
    } catch {
      hasDiverged = true;
      return '';
    }
  };
  return {
    restart: () => sent.restart(),
    next: more => orEmpty(() => sent.next(more)),
    rest: whole => orEmpty(() => sent.rest(whole)),
  };
}

function createSentText(): SentText {
  let text = '';
  /** How much of `text` the current attempt has produced. */
  let at = 0;
  return {
    restart() {
      at = 0;
    },
    next(more) {
      const overlap = text.slice(at, at + more.length);
      if (!more.startsWith(overlap)) throw diverged();
      const fresh = more.slice(overlap.length);
      at += more.length;
      text += fresh;
      return fresh;
    },
    rest(whole) {
      if (!whole.startsWith(text)) throw diverged();
      return whole.slice(text.length);
    },
  };
}

function diverged(): OpenAiError {
  const message =
    'The miner stopped in mid-text, and the miner that took over produced different text: repeat the request';
  return new OpenAiError(message, { reason: 'miners_failed', type: 'server_error', code: 'stream_diverged' });
}
