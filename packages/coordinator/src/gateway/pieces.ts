import type { Job, JobEvent } from '@aitbc/protocol';
import type { Answered, ChoicePieces } from './endpoint.ts';
import { failureOf, OpenAiError, STOPPING } from './errors.ts';

/** Text that was told can't be taken back. */
interface Told {
  /** Another attempt begins anew. */
  restart(): void;
  /** The part of the next text that has not been told. Throws OpenAiError where it is not what was told. */
  next(text: string): string;
  /** The part of the whole text that has not been told. Throws OpenAiError where it is not what was told. */
  rest(whole: string): string;
}

/**
 * What happens to a job as bodies of the pieces of its choice, and the job when it has answered. Where another attempt takes over, its text goes on
 * where the one before broke off if it begins with the same, as it does with a seed or at temperature 0.
 *
 * @throws {OpenAiError} where the job does not complete, or another attempt says something else than was told
 */
export async function* tellPieces(
  events: AsyncIterable<JobEvent> | Iterable<JobEvent>,
  job: Job,
  pieces: ChoicePieces,
): AsyncGenerator<object, Answered> {
  const told = createTold();
  const thoughts = createThoughts();
  let answered: Answered | undefined;
  for await (const { event, data } of events) {
    if (event === 'chunk') {
      const text = told.next(data.text);
      if (text !== '') yield pieces.text(text);
    }
    if (event === 'reasoning' && pieces.reasoning) {
      const thought = thoughts.next(data.text);
      if (thought !== '') yield pieces.reasoning(thought);
    }
    if (event === 'restart') {
      told.restart();
      thoughts.restart();
    }
    if (event === 'status' && data.status === 'cancelled')
      throw failureOf({ status: 'cancelled', error: null });
    if (event === 'error') throw failureOf({ status: 'failed', error: data });
    if (event === 'result') answered = { ...job, ...data };
    if (event === 'receipt' && answered) {
      const done = { ...answered, receipt_id: data.receipt_id };
      const thought = thoughts.rest(done.reasoning ?? '');
      if (thought !== '' && pieces.reasoning) yield pieces.reasoning(thought);
      yield* pieces.end(done, told.rest(pieces.whole(done)));
      return done;
    }
  }
  throw STOPPING;
}

/** What was thought before an answer, which may be told in part: where another attempt thinks otherwise, no more is. */
function createThoughts(): Told {
  const told = createTold();
  let isLost = false;
  const orNothing = (take: () => string) => {
    try {
      return isLost ? '' : take();
    } catch {
      isLost = true;
      return '';
    }
  };
  return {
    restart: () => told.restart(),
    next: more => orNothing(() => told.next(more)),
    rest: whole => orNothing(() => told.rest(whole)),
  };
}

function createTold(): Told {
  let text = '';
  /** Of it, what this attempt has said. */
  let at = 0;
  return {
    restart() {
      at = 0;
    },
    next(more) {
      const known = text.slice(at, at + more.length);
      if (!more.startsWith(known)) throw diverged();
      const fresh = more.slice(known.length);
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
    'The miner was lost in mid-text, and the one that took over says something else: ask again for a whole text';
  return new OpenAiError(message, { status: 502, type: 'server_error', code: 'stream_diverged' });
}
