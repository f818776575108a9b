import {
  type Checkpoint,
  cosignCheckpoint,
  formatNote,
  merkleRoot,
  type NoteSignature,
  openNote,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVkey,
  type TextSource,
  TlogError,
  type VerifierKey,
  verifyConsistency,
} from '@aitbc/tlog';
import { Refusal } from './errors.ts';
import type { Identity } from './key.ts';
import type { State } from './state.ts';

export interface WitnessParts {
  identity: Identity;
  /** Keys of the logs that are watched; the name of each is the origin of its log. */
  logs: readonly VerifierKey[];
  state: State;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export interface Cosigned {
  origin: string;
  /** Of the tree that was cosigned before, 0 for none. */
  old: number;
  size: number;
  /** The witness's own, of type cosignature/v1. */
  signature: NoteSignature;
}

/** What a witness does (C2SP tlog-witness), without HTTP. */
export interface Witness {
  /**
   * Cosigns a checkpoint when its tree begins with the one that was cosigned last. The checkpoint is on the disk by then.
   *
   * @param request the body of add-checkpoint
   * @throws Refusal
   */
  addCheckpoint(request: TextSource): Promise<Cosigned>;
  /** The last checkpoint of a log, with its signature and the witness's own. */
  latest(origin: string): string | undefined;
  /**
   * Compares a checkpoint, from wherever it comes, with what the witness remembers. Where it has the witness's own
   * signature over more than that, the witness cosigns nothing of that log any more.
   *
   * @throws Refusal FORGOTTEN; TlogError MALFORMED
   */
  recall(note: string): Promise<void>;
}

interface Submitted extends Checkpoint {
  note: string;
  /** What is signed. */
  text: string;
  /** Those of the log, and good. */
  signatures: readonly NoteSignature[];
}

export function createWitness({ identity, logs, state, now }: WitnessParts): Witness {
  const { name, signer } = identity;
  const self = parseVkey(identity.vkey);

  async function addCheckpoint(body: TextSource): Promise<Cosigned> {
    const { old, proof, checkpoint } = readRequest(body);
    const submitted = await openSubmitted(checkpoint, logs);
    const { origin, size } = submitted;
    if (old > size) throw new Refusal('OLD_TOO_LARGE', `Old size ${old} is beyond ${size}`, { origin });
    await recall(checkpoint);
    // Another request may get ahead of this one between the look and the write: then it is looked at anew.
    for (;;) {
      const last = state.checkpoint(origin);
      checkGrowth({ submitted, old, proof, last });
      const signature = await cosignCheckpoint(submitted.text, name, signer, Math.floor(now() / 1000));
      const signatures = [...submitted.signatures, signature];
      const note = formatNote({ text: submitted.text, signatures });
      if (state.replaceCheckpoint(origin, last, note)) return { origin, old, size, signature };
    }
  }

  async function recall(note: string): Promise<void> {
    const { text } = parseNote(note);
    const { origin, size, root } = parseCheckpoint(text);
    const last = headOf(state.checkpoint(origin));
    const isBeyond = size > last.size || (size === last.size && !isSame(root, last.root));
    if (isBeyond && (await isSignedBy(note, self))) state.setForgotten(origin, note);
    const forgotten = state.forgotten(origin);
    if (forgotten === undefined) return;
    const { size: signed } = headOf(forgotten);
    throw new Refusal(
      'FORGOTTEN',
      `${name} has signed size ${signed} of ${origin} and remembers ${last.size} only, so it can't vouch for it any more`,
      { origin },
    );
  }

  return { addCheckpoint, latest: state.checkpoint, recall };
}

function readRequest(body: TextSource) {
  try {
    return parseAddCheckpoint(body);
  } catch (error) {
    throw error instanceof TlogError ? new Refusal('MALFORMED', error.message) : error;
  }
}

async function openSubmitted(note: string, logs: readonly VerifierKey[]): Promise<Submitted> {
  const { text, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(text);
  const { origin } = checkpoint;
  const keys = logs.filter(log => log.name === origin);
  if (keys.length === 0) throw new Refusal('UNKNOWN_LOG', `${origin} is no log that is watched here`);
  try {
    await openNote(note, keys);
  } catch (error) {
    throw error instanceof TlogError ? new Refusal('UNSIGNED', error.message, { origin }) : error;
  }
  const isLogs = ({ name, keyHash }: NoteSignature) =>
    keys.some(key => key.name === name && key.keyHash === keyHash);
  return { ...checkpoint, note, text, signatures: signatures.filter(isLogs) };
}

interface Growth {
  submitted: Submitted;
  old: number;
  proof: readonly Uint8Array[];
  last: string | undefined;
}

/** @throws Refusal STALE, FORK, INCONSISTENT */
function checkGrowth({ submitted, old, proof, last }: Growth): void {
  const { origin, size, root, note } = submitted;
  const head = headOf(last);
  if (old !== head.size) {
    throw new Refusal('STALE', `The last size cosigned is ${head.size}, not ${old}`, {
      origin,
      size: head.size,
    });
  }
  if (size === head.size && !isSame(root, head.root)) {
    const evidence = last === undefined ? {} : { evidence: [last, note] as const };
    throw new Refusal('FORK', `Another tree of size ${size} was cosigned`, { origin, ...evidence });
  }
  if (!verifyConsistency({ from: old, to: size, fromRoot: head.root, toRoot: root, proof })) {
    throw new Refusal('INCONSISTENT', `Size ${size} is not shown to begin with size ${old}`, { origin });
  }
}

/** The tree of a checkpoint that was signed; the empty one where there is none. */
function headOf(note: string | undefined): Pick<Checkpoint, 'size' | 'root'> {
  return note === undefined ? { size: 0, root: merkleRoot([]) } : parseCheckpoint(parseNote(note).text);
}

async function isSignedBy(note: string, key: VerifierKey): Promise<boolean> {
  try {
    await openNote(note, [key]);
    return true;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
