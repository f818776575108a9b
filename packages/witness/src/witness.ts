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
import { CosignError } from './errors.ts';
import type { WitnessIdentity } from './identity.ts';
import type { State } from './state.ts';

export interface WitnessParts {
  identity: WitnessIdentity;
  /** Keys of the watched logs; each key's name is its log's origin. */
  logs: readonly VerifierKey[];
  state: State;
  /** Returns milliseconds since 1970. */
  now: () => number;
}

export interface Cosigned {
  origin: string;
  /** The size of the tree cosigned before, 0 for none. */
  old: number;
  size: number;
  /** The witness's signature, of type cosignature/v1. */
  signature: NoteSignature;
}

/** The rules of a witness (C2SP tlog-witness), without HTTP. */
export interface Witness {
  /**
   * Cosigns a checkpoint when its tree begins with the last cosigned one. The checkpoint is on the disk when
   * this returns.
   *
   * @param request the body of add-checkpoint
   * @throws CosignError
   */
  addCheckpoint(request: TextSource): Promise<Cosigned>;
  /** Returns the last checkpoint of a log, with the log's signature and the witness's. */
  latest(origin: string): string | undefined;
  /**
   * Compares a checkpoint from any source with what the witness remembers. If the witness has signed it but
   * does not remember it, the witness never cosigns that log again.
   *
   * @throws CosignError FORGOTTEN; TlogError MALFORMED
   */
  checkMemory(note: string): Promise<void>;
}

interface Submitted extends Checkpoint {
  note: string;
  /** The signed text. */
  text: string;
  /** The log's signatures, all verified. */
  signatures: readonly NoteSignature[];
}

export function createWitness({ identity, logs, state, now }: WitnessParts): Witness {
  const { name, signer } = identity;
  const self = parseVkey(identity.vkey);

  async function addCheckpoint(body: TextSource): Promise<Cosigned> {
    const { old, proof, checkpoint } = readRequest(body);
    const submitted = await openSubmitted(checkpoint, logs);
    const { origin, size } = submitted;
    if (old > size) throw new CosignError('OLD_TOO_LARGE', `Old size ${old} is beyond ${size}`, { origin });
    await checkMemory(checkpoint);
    // Another request may replace the checkpoint between the read and the write; then the loop checks again.
    for (;;) {
      const last = state.checkpoint(origin);
      checkGrowth({ submitted, old, proof, last });
      const signature = await cosignCheckpoint(submitted.text, name, signer, Math.floor(now() / 1000));
      const signatures = [...submitted.signatures, signature];
      const note = formatNote({ text: submitted.text, signatures });
      if (state.replaceCheckpoint(origin, last, note)) return { origin, old, size, signature };
    }
  }

  async function checkMemory(note: string): Promise<void> {
    const { text } = parseNote(note);
    const { origin, size, root } = parseCheckpoint(text);
    const last = treeOf(state.checkpoint(origin));
    const isBeyond = size > last.size || (size === last.size && !isSame(root, last.root));
    if (isBeyond && (await isSignedBy(note, self))) state.setForgotten(origin, note);
    const forgotten = state.forgotten(origin);
    if (forgotten === undefined) return;
    const { size: signed } = treeOf(forgotten);
    throw new CosignError(
      'FORGOTTEN',
      `${name} has signed size ${signed} of ${origin} and remembers ${last.size} only, so it can't vouch for it any more`,
      { origin },
    );
  }

  return { addCheckpoint, latest: state.checkpoint, checkMemory };
}

function readRequest(body: TextSource) {
  try {
    return parseAddCheckpoint(body);
  } catch (error) {
    throw error instanceof TlogError ? new CosignError('MALFORMED', error.message) : error;
  }
}

async function openSubmitted(note: string, logs: readonly VerifierKey[]): Promise<Submitted> {
  const { text, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(text);
  const { origin } = checkpoint;
  const keys = logs.filter(log => log.name === origin);
  if (keys.length === 0) throw new CosignError('UNKNOWN_LOG', `${origin} is no log that is watched here`);
  try {
    await openNote(note, keys);
  } catch (error) {
    throw error instanceof TlogError ? new CosignError('UNSIGNED', error.message, { origin }) : error;
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

/** @throws CosignError STALE, FORK, INCONSISTENT */
function checkGrowth({ submitted, old, proof, last }: Growth): void {
  const { origin, size, root, note } = submitted;
  const head = treeOf(last);
  if (old !== head.size) {
    throw new CosignError('STALE', `The last size cosigned is ${head.size}, not ${old}`, {
      origin,
      size: head.size,
    });
  }
  if (size === head.size && !isSame(root, head.root)) {
    const evidence = last === undefined ? {} : { evidence: [last, note] as const };
    throw new CosignError('FORK', `Another tree of size ${size} was cosigned`, { origin, ...evidence });
  }
  if (!verifyConsistency({ from: old, to: size, fromRoot: head.root, toRoot: root, proof })) {
    throw new CosignError('INCONSISTENT', `Size ${size} is not shown to begin with size ${old}`, { origin });
  }
}

/** Returns the tree of a signed checkpoint; the empty tree when there is none. */
function treeOf(note: string | undefined): Pick<Checkpoint, 'size' | 'root'> {
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
