import { type NoteSignature, parseNote } from '@aitbc/tlog';
import {
  askForLatest,
  askWitness,
  type CheckpointToCosign,
  type ConsistencyFrom,
  type WitnessOutcome,
} from './witness-client.ts';
import type { WitnessAddress } from './witness-options.ts';

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 5 * 60_000;

/** A witness's answer for the log, where it differs from the one before. */
export type WitnessReport =
  | { witness: string; outcome: 'cosigned'; size: number }
  /** Passes where several coordinators publish at once. If it stays, the store is an old one. */
  | { witness: string; outcome: 'ahead'; size: number; detail: string }
  | { witness: string; outcome: 'refused'; size: number; detail: string }
  | { witness: string; outcome: 'failed'; size: number; detail: string };

/** A witness's statement that the log has signed another tree than the one to cosign. */
export interface Contradiction {
  witness: string;
  /** Size of the tree that the witness has cosigned, if it names one. */
  size?: number;
  /** The checkpoint that the witness has cosigned last, if it returned one. It is not verified. */
  note?: string;
  /** Asks the witness for that checkpoint. Resolves with undefined where it returns none. */
  fetchLatestNote(): Promise<string | undefined>;
}

export interface WitnessesOptions {
  witnesses: readonly WitnessAddress[];
  /** Name of the log. */
  origin: string;
  /** How long the witnesses may take to answer. */
  timeoutMs: number;
  /** Returns ms since the epoch. */
  now: () => number;
  /** Called when a witness answers differently than before. */
  report: (report: WitnessReport) => void;
  /** Called before `report` when a witness contradicts a checkpoint, and with undefined once it cosigns again. */
  onContradiction?: (witness: string, contradiction: Contradiction | undefined) => void;
}

/** The witnesses of a ledger. */
export interface Witnesses {
  /**
   * Asks all witnesses at once to cosign a checkpoint, except those that have cosigned it and those in a pause after a
   * failure. Resolves within the timeout with the verified signatures. Rejects only where `consistency` does, never
   * because of a witness.
   */
  cosign(checkpoint: CheckpointToCosign, consistency: ConsistencyFrom): Promise<NoteSignature[]>;
}

export function createWitnesses(options: WitnessesOptions): Witnesses {
  const asking = options.witnesses.map(witness => createWitness(witness, options));
  return {
    async cosign(checkpoint, consistency) {
      const asked = asking.map(ask => ask(checkpoint, consistency));
      return (await Promise.all(asked)).filter(signature => signature !== undefined);
    },
  };
}

type Ask = (
  checkpoint: CheckpointToCosign,
  consistency: ConsistencyFrom,
) => Promise<NoteSignature | undefined>;

/** Keeps what a witness has cosigned, and pauses after its failures. */
function createWitness(
  witness: WitnessAddress,
  { origin, timeoutMs, now, report, onContradiction = () => {} }: WitnessesOptions,
): Ask {
  const { name } = witness.key;
  let from = 0;
  let failures = 0;
  let pausedUntil = 0;
  let lastOutcome = '';

  function reportChange(news: WitnessReport): void {
    const { outcome } = news;
    if (outcome !== lastOutcome) report(news);
    lastOutcome = outcome;
  }

  /** The pause doubles with each failure in a row. */
  function pause(): void {
    pausedUntil = now() + Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
    failures++;
  }

  const fetchLatestNote = () =>
    askForLatest(witness, origin, AbortSignal.timeout(timeoutMs)).catch(() => undefined);

  async function handleContradiction(): Promise<void> {
    const note = await fetchLatestNote();
    onContradiction(name, { witness: name, fetchLatestNote, ...(note !== undefined && { note }) });
  }

  async function handleOutcome(outcome: WitnessOutcome, size: number): Promise<NoteSignature | undefined> {
    if (outcome.outcome === 'refused') {
      if (outcome.contradicts) await handleContradiction();
      pause();
      reportChange({ witness: name, outcome: 'refused', size, detail: outcome.reason });
      return undefined;
    }
    failures = 0;
    if (outcome.outcome === 'ahead') {
      onContradiction(name, { witness: name, size: outcome.size, fetchLatestNote });
      from = outcome.size;
      const detail = `it has cosigned ${from} entries already`;
      reportChange({ witness: name, outcome: 'ahead', size, detail });
      return undefined;
    }
    from = size;
    onContradiction(name, undefined);
    reportChange({ witness: name, outcome: 'cosigned', size });
    return outcome.signature;
  }

  return async (checkpoint, consistency) => {
    const pauseMs = pausedUntil - now();
    // A remaining time longer than the longest pause means that the clock was set back.
    const isPaused = pauseMs > 0 && pauseMs <= MAX_PAUSE_MS;
    if (isPaused || hasSigned(witness, checkpoint)) return undefined;
    const { size } = checkpoint;
    let ownFault: unknown;
    const prove: ConsistencyFrom = async from => {
      try {
        return await consistency(from);
      } catch (error) {
        ownFault = error;
        throw error;
      }
    };
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      return await handleOutcome(
        await askWitness(witness, { checkpoint, consistency: prove, from, signal }),
        size,
      );
    } catch (error) {
      if (error === ownFault) throw error;
      pause();
      reportChange({
        witness: name,
        outcome: 'failed',
        size,
        detail: describeError(error as Error, timeoutMs),
      });
      return undefined;
    }
  };
}

function hasSigned({ key }: WitnessAddress, { note }: CheckpointToCosign): boolean {
  const { signatures } = parseNote(note);
  return signatures.some(({ name, keyHash }) => name === key.name && keyHash === key.keyHash);
}

function describeError({ name, message, cause }: Error, timeoutMs: number): string {
  if (name === 'TimeoutError') return `it does not answer within ${timeoutMs} ms`;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
