import { type Checkpoint, parseCheckpoint } from './checkpoints.ts';
import { TlogError } from './errors.ts';
import { parseNote } from './notes.ts';
import { meetsQuorum, type Policy } from './policy.ts';
import { type VerifiedSignature, verifySignature } from './signatures.ts';
import { quote, type TextSource } from './text-format.ts';
import type { VerifierKey } from './vkeys.ts';

/** A note and its verified signatures. */
export interface OpenNote {
  /** The signed text. It ends in a newline. */
  readonly text: string;
  /** The signatures by known keys, in the order of the note: at least one, all verified. */
  readonly signatures: readonly VerifiedSignature[];
}

/** Whose signatures a log's checkpoint needs. A {@link Policy}, which comes from a file, can demand more. */
export interface LogPolicy {
  /** The log's key, which must have signed every checkpoint. */
  readonly log: VerifierKey;
  /** The log's origin. Defaults to the name of its key. */
  readonly origin?: string;
  /** Who else must have signed. */
  readonly cosigners?: {
    /** Keys of type cosignature/v1: witnesses, or the log's own second key. */
    readonly keys: readonly VerifierKey[];
    /** How many of them must have signed, from 0 to their number. */
    readonly quorum: number;
  };
}

/** A checkpoint that meets a policy. */
export interface OpenCheckpoint extends Checkpoint, OpenNote {}

/**
 * Parses a note and verifies every signature by a known key (C2SP signed-note, Signatures). Signatures by
 * other keys are ignored.
 *
 * @param source text, or its bytes in UTF-8
 * @param keys all keys that are trusted to sign it
 * @throws TlogError MALFORMED; BAD_SIGNATURE when any signature by a known key does not verify, even beside
 * valid ones; UNSIGNED when no known key has signed
 */
export async function openNote(source: TextSource, keys: readonly VerifierKey[]): Promise<OpenNote> {
  const { text, signatures } = parseNote(source);
  const known = signatures.flatMap(signature => {
    const key = keys.find(({ name, keyHash }) => name === signature.name && keyHash === signature.keyHash);
    return key ? [{ key, signature }] : [];
  });
  if (known.length === 0) throw new TlogError('UNSIGNED', 'No known key has signed');
  const verified = known.map(({ key, signature }) => verifySignature(text, signature, key));
  return { text, signatures: await Promise.all(verified) };
}

/**
 * Parses a signed checkpoint and checks it against a policy.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED, BAD_SIGNATURE and UNSIGNED as {@link openNote}, UNSIGNED also when the log's
 * key has not signed; WRONG_ORIGIN; TOO_FEW_COSIGNATURES. RangeError for a policy that no checkpoint can
 * meet, or whose cosigners have keys of another type
 */
export async function openCheckpoint(
  source: TextSource,
  policy: LogPolicy | Policy,
): Promise<OpenCheckpoint> {
  const { logs, cosigners, checkQuorum } =
    'logs' in policy ? requirementsOf(policy) : requirementsOfLog(policy);
  const note = await openNote(source, [...logs.map(({ key }) => key), ...cosigners]);
  const checkpoint = parseCheckpoint(note.text);
  const named = logs.filter(({ origin }) => origin === checkpoint.origin);
  if (named.length === 0) {
    const origins = logs.map(({ origin }) => quote(origin)).join(' or ');
    throw new TlogError('WRONG_ORIGIN', `The origin is ${quote(checkpoint.origin)}, not ${origins}`);
  }
  if (!named.some(({ key }) => hasSigned(note, key))) {
    const keys = named.map(({ key }) => `${key.name} (${key.keyHash})`).join(' or ');
    throw new TlogError('UNSIGNED', `${keys} has not signed`);
  }
  checkQuorum(note);
  return { ...checkpoint, ...note };
}

/** What both kinds of policy demand. */
interface Requirements {
  readonly logs: readonly { readonly key: VerifierKey; readonly origin: string }[];
  readonly cosigners: readonly VerifierKey[];
  /** @throws TlogError TOO_FEW_COSIGNATURES */
  checkQuorum(note: OpenNote): void;
}

function requirementsOf(policy: Policy): Requirements {
  const { logs, witnesses, quorum } = policy;
  return {
    logs: logs.map(({ key }) => ({ key, origin: key.name })),
    cosigners: witnesses.map(({ key }) => key),
    checkQuorum(note) {
      if (meetsQuorum(policy, key => hasSigned(note, key))) return;
      const names = witnesses.filter(({ key }) => hasSigned(note, key)).map(({ name }) => name);
      const who = names.length === 0 ? 'No witness' : `Only ${names.join(', ')}`;
      throw new TlogError('TOO_FEW_COSIGNATURES', `${who} signed, which is not the quorum ${quorum}`);
    },
  };
}

function requirementsOfLog({
  log,
  origin = log.name,
  cosigners = { keys: [], quorum: 0 },
}: LogPolicy): Requirements {
  checkCosigners(cosigners);
  const { keys, quorum } = cosigners;
  return {
    logs: [{ key: log, origin }],
    cosigners: keys,
    checkQuorum(note) {
      const count = distinctKeys(keys.filter(key => hasSigned(note, key)));
      if (count >= quorum) return;
      throw new TlogError('TOO_FEW_COSIGNATURES', `${count} cosigners have signed, not ${quorum}`);
    },
  };
}

function checkCosigners({ keys, quorum }: NonNullable<LogPolicy['cosigners']>): void {
  if (keys.some(({ type }) => type !== 'cosignature/v1')) {
    throw new RangeError('The keys of cosigners are of type cosignature/v1');
  }
  const count = distinctKeys(keys);
  if (!Number.isInteger(quorum) || quorum < 0 || quorum > count) {
    throw new RangeError(`Of ${count} cosigners, ${quorum} can't be demanded`);
  }
}

function hasSigned({ signatures }: OpenNote, signer: VerifierKey): boolean {
  return signatures.some(({ key }) => key.publicKey === signer.publicKey && key.type === signer.type);
}

/** One who signs under two names, as cosigners must not, counts once. */
function distinctKeys(keys: readonly VerifierKey[]): number {
  return new Set(keys.map(({ publicKey }) => publicKey)).size;
}
