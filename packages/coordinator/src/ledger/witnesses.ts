import { type NoteSignature, parseNote } from '@aitbc/tlog';
import {
  askForLatest,
  askWitness,
  type CheckpointToCosign,
  type ConsistencyFrom,
  type Outcome,
} from './witness-client.ts';
import type { WitnessAddress } from './witness-options.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/** What has become different about a witness, for the log. */
export type WitnessReport =
  | { witness: string; outcome: 'cosigned'; size: number }
  /** With several coordinators that is a race and passes; what stays is a ledger that was set back. */
  | { witness: string; outcome: 'ahead'; size: number; detail: string }
  | { witness: string; outcome: 'refused'; size: number; detail: string }
  | { witness: string; outcome: 'failed'; size: number; detail: string };

/** What a witness says that the log has signed, against what it was asked to cosign. */
export interface Contradiction {
  witness: string;
  /** Of the tree that it has cosigned, where it names one. */
  size?: number;
  /** The checkpoint that it has cosigned last, where it has shown one. Nobody has verified it yet. */
  note?: string;
  /** Asks the witness for that checkpoint; undefined where it shows none. */
  show(): Promise<string | undefined>;
}

export interface WitnessesOptions {
  witnesses: readonly WitnessAddress[];
  /** The log that they are asked about. */
  origin: string;
  /** How long all of them get to answer. */
  timeoutMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called when the outcome of asking a witness is another than before. */
  report: (report: WitnessReport) => void;
  /** Called when a witness contradicts a checkpoint, before that is told as refused; undefined once it cosigns again. */
  doubt?: (witness: string, contradiction: Contradiction | undefined) => void;
}

/** The witnesses of a ledger. */
export interface Witnesses {
  /**
   * Asks all witnesses at once for a signature of a checkpoint, except those that have signed it, and those that are
   * left alone for a while since they failed. Resolves within the timeout, with what was signed and verified until then: never rejects for what
   * witnesses do or don't, only where `consistency` does.
   */
  cosign(checkpoint: CheckpointToCosign, consistency: ConsistencyFrom): Promise<NoteSignature[]>;
}

export function createWitnesses(options: WitnessesOptions): Witnesses {
  const asking = options.witnesses.map(witness => createAsking(witness, options));
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

/** One witness: how far it is, and how long it is left alone. */
function createAsking(
  witness: WitnessAddress,
  { origin, timeoutMs, now, report, doubt = () => {} }: WitnessesOptions,
): Ask {
  const { name } = witness.key;
  let from = 0;
  let failures = 0;
  let pausedUntil = 0;
  let told = '';

  function tell(news: WitnessReport): void {
    const { outcome } = news;
    if (outcome !== told) report(news);
    told = outcome;
  }

  /** The pause doubles with each failure in a row. */
  function pause(): void {
    pausedUntil = now() + Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures++;
  }

  /** What the witness has to show for its word. */
  const show = () => askForLatest(witness, origin, AbortSignal.timeout(timeoutMs)).catch(() => undefined);

  async function contradicted(): Promise<void> {
    const note = await show();
    doubt(name, { witness: name, show, ...(note !== undefined && { note }) });
  }

  async function take(outcome: Outcome, size: number): Promise<NoteSignature | undefined> {
    if (outcome.outcome === 'refused') {
      if (outcome.contradicts) await contradicted();
      pause();
      tell({ witness: name, outcome: 'refused', size, detail: outcome.reason });
      return undefined;
    }
    failures = 0;
    if (outcome.outcome === 'ahead') {
      doubt(name, { witness: name, size: outcome.size, show });
      from = outcome.size;
      const detail = `it has cosigned ${from} entries already`;
      tell({ witness: name, outcome: 'ahead', size, detail });
      return undefined;
    }
    from = size;
    doubt(name, undefined);
    tell({ witness: name, outcome: 'cosigned', size });
    return outcome.signature;
  }

  return async (checkpoint, consistency) => {
    const pauseMs = pausedUntil - now();
    // Longer than a pause can be: the clock was set back.
    const isPaused = pauseMs > 0 && pauseMs <= LONGEST_PAUSE_MS;
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
      return await take(await askWitness(witness, { checkpoint, consistency: prove, from, signal }), size);
    } catch (error) {
      if (error === ownFault) throw error;
      pause();
      tell({ witness: name, outcome: 'failed', size, detail: reasonOf(error as Error, timeoutMs) });
      return undefined;
    }
  };
}

function hasSigned({ key }: WitnessAddress, { note }: CheckpointToCosign): boolean {
  const { signatures } = parseNote(note);
  return signatures.some(({ name, keyHash }) => name === key.name && keyHash === key.keyHash);
}

function reasonOf({ name, message, cause }: Error, timeoutMs: number): string {
  if (name === 'TimeoutError') return `it does not answer within ${timeoutMs} ms`;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
