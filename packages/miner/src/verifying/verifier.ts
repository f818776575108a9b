import type { TokenScore } from '@aitbc/evidence';
import type { VerificationOutcome, VerificationTask } from '@aitbc/protocol';
import type { CoordinatorClient } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff, pause } from '../backoff.ts';
import { createLink, isPassing, messageOf, retryAfterMs } from '../link.ts';
import type { VerifierEventHandler } from './events.ts';
import type { AnswerReader } from './reader.ts';

export interface VerifierOptions {
  client: CoordinatorClient;
  /** The caller closes it after the verifier has ended. */
  reader: AnswerReader;
  verifierId: string;
  /** The verifier ends after this many answers. By default it never does. */
  maxAnswers?: number | undefined;
  /** Milliseconds that the answer under way gets after a stop. Default 30,000. */
  shutdownTimeout?: number | undefined;
  backoff?: BackoffOptions | undefined;
  onEvent?: VerifierEventHandler | undefined;
  /** Returns the coordinator's time in milliseconds since 1970. By default this machine's time. */
  now?: (() => number) | undefined;
}

export interface RunningVerifier {
  /** Resolves when the verifier has stopped, or rejects with the coordinator's permanent error. */
  done: Promise<void>;
  /** Claims no more answers. The one under way may be finished, and is given back after the shutdown timeout. */
  stop(): Promise<void>;
  /** Gives the answer under way back at once. */
  quit(): Promise<void>;
}

/** The coordinator may wait for less time. */
const LONG_POLL_SECONDS = 25;

/** An empty answer that comes sooner means that the coordinator does not wait at present. */
const TOO_SOON_MS = 1_000;

/** Milliseconds that the coordinator gets to take an answer back at the end. */
const GIVE_BACK_MS = 5_000;

/** Claims answers, reads them and posts what the model says of their tokens, until it is stopped. */
export function startVerifier(options: VerifierOptions): RunningVerifier {
  const [stopping, quitting] = [new AbortController(), new AbortController()];
  const done = run(options, stopping.signal, quitting);
  done.catch(() => {});
  return {
    done,
    stop() {
      stopping.abort();
      return done;
    },
    quit() {
      stopping.abort();
      quitting.abort();
      return done;
    },
  };
}

async function run(
  options: VerifierOptions,
  stopping: AbortSignal,
  quitting: AbortController,
): Promise<void> {
  const { reader, verifierId, maxAnswers = Number.POSITIVE_INFINITY, shutdownTimeout = 30_000 } = options;
  const emit = options.onEvent ?? (() => {});
  const link = createLink(emit, options.backoff ?? {});
  let [read, isReading, isAway] = [0, false, false];
  let timer: NodeJS.Timeout | undefined;
  stopping.addEventListener('abort', () => {
    if (isReading) emit({ event: 'stopping', timeout_seconds: shutdownTimeout / 1000 });
    timer = setTimeout(() => quitting.abort(), shutdownTimeout);
  });
  const { name, build } = reader.engine;
  emit({ event: 'verifying', verifier_id: verifierId, weights: reader.weights, engine: `${name} ${build}` });
  try {
    while (!stopping.aborted && read < maxAnswers) {
      // The first claim after a failure does not wait, so that it soon tells whether the coordinator is back.
      const task = await claim(options, stopping, isAway ? 0 : LONG_POLL_SECONDS).catch(async error => {
        isAway = true;
        if (!stopping.aborted) await pause(link.failed(error), stopping);
      });
      if (task === undefined) continue;
      link.up();
      isAway = false;
      if (task === null) continue;
      isReading = true;
      await verify(task, options, quitting.signal);
      isReading = false;
      read++;
    }
  } finally {
    clearTimeout(timer);
    emit({ event: 'stopped', read });
  }
}

async function claim(
  { client, reader: { engine, weights }, verifierId }: VerifierOptions,
  stopping: AbortSignal,
  wait: number,
): Promise<VerificationTask | null> {
  const asked = performance.now();
  const task = await client.verifications.claim(
    { verifier_id: verifierId, weights: [weights], engine, wait },
    { signal: stopping, maxRetries: 0 },
  );
  if (!task && wait > 0 && performance.now() - asked < TOO_SOON_MS) await pause(TOO_SOON_MS, stopping);
  return task;
}

/** Reads one answer and tells the coordinator. Nothing of it ends the verifier: the next answer is another one. */
async function verify(
  task: VerificationTask,
  options: VerifierOptions,
  quitting: AbortSignal,
): Promise<void> {
  const { reader, now = Date.now, onEvent: emit = () => {} } = options;
  const { verification_id, model } = task;
  const begun = performance.now();
  const left = Math.max(Date.parse(task.lease_expires_at) - now(), 0);
  const expired = new AbortController();
  const timer = setTimeout(() => expired.abort(new Error('The lease of the answer ran out')), left);
  const signal = AbortSignal.any([quitting, expired.signal]);
  try {
    let tokens: TokenScore[];
    try {
      tokens = await reader.read(task, signal);
    } catch (error) {
      const reason = quitting.aborted ? 'The verifier is stopping' : messageOf(error);
      await giveBack(task, reason, options);
      return emit({ event: 'answer_failed', verification_id, error: reason });
    }
    const { judgement } = await submit(task, tokens, options, signal);
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    emit({ event: 'answer_read', verification_id, model, tokens: tokens.length, seconds, judgement });
  } catch (error) {
    emit({ event: 'answer_lost', verification_id, error: messageOf(error) });
  } finally {
    clearTimeout(timer);
  }
}

/** Posts the scores, again and again while the coordinator is away and the lease lasts. */
async function submit(
  { verification_id }: VerificationTask,
  tokens: TokenScore[],
  { client, reader: { engine }, verifierId, backoff }: VerifierOptions,
  signal: AbortSignal,
): Promise<VerificationOutcome> {
  const scores = { verifier_id: verifierId, tokens, engine, retokenized: true };
  const waits = createBackoff(backoff);
  for (;;) {
    try {
      return await client.verifications.submitScores(verification_id, scores, { signal });
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      await pause(Math.max(waits.next(), retryAfterMs(error)), signal);
    }
  }
}

async function giveBack(
  { verification_id }: VerificationTask,
  reason: string,
  { client, verifierId }: VerifierOptions,
): Promise<void> {
  const failure = { verifier_id: verifierId, reason: reason.slice(0, 4_096) };
  await client.verifications.fail(verification_id, failure, { maxRetries: 1, timeout: GIVE_BACK_MS });
}
