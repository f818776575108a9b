import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNote, parseVkey, TlogError, type VerifierKey } from '@aitbc/tlog';
import { CosignError, WitnessError } from './errors.ts';
import type { WitnessEventHandler } from './events.ts';
import { createCloser } from './graceful-close.ts';
import { loadWitnessIdentity, type WitnessIdentity } from './identity.ts';
import { formatKeys, logKeysFrom, publishedCheckpoint } from './log-address.ts';
import { buildServer, hashOf } from './server.ts';
import { openState, type State } from './state.ts';
import { createWitness, type Witness } from './witness.ts';

export interface WitnessOptions {
  /** The folder of key and state, created when missing. Each witness needs its own. */
  data: string;
  /** A name such as `witness.example/alice`. It is required at the first start and remembered afterwards. */
  name?: string | undefined;
  /** Keys of the watched logs; each key's name is its log's origin. A log may have several keys. */
  logs?: readonly VerifierKey[];
  /** Addresses of logs, whose keys are read there at the first start. */
  logsFrom?: readonly string[];
  host?: string;
  /** 0 takes a free port. */
  port?: number;
  /** Returns milliseconds since 1970. */
  now?: () => number;
  onEvent?: WitnessEventHandler;
}

export interface RunningWitness {
  /** The address that it listens on: `http://127.0.0.1:8100`. */
  url: string;
  name: string;
  /** The verifier key of its cosignatures, of type cosignature/v1. */
  vkey: string;
  /** The origins of the watched logs. */
  logs: readonly string[];
  /** Stops accepting requests, answers those under way and closes the state. */
  close(): Promise<void>;
}

/**
 * Starts a witness.
 *
 * @throws WitnessError when options and folder can not be used; an error with a `code` when it can not
 * listen
 */
export async function startWitness(options: WitnessOptions): Promise<RunningWitness> {
  const state = openState(options.data);
  try {
    return await startOn(state, options);
  } catch (error) {
    state.close();
    throw error;
  }
}

async function startOn(state: State, options: WitnessOptions): Promise<RunningWitness> {
  const { data, logsFrom = [], host = '127.0.0.1', port = 8100, now = Date.now } = options;
  const { onEvent: emit = () => {} } = options;
  const identity = loadWitnessIdentity(data, state, options.name);
  await checkState(state, identity);
  const logs = await allLogs(options, state, emit);
  const witness = createWitness({ identity, logs, state, now });
  for (const url of logsFrom) await checkPublished(witness, url, emit);
  const { name, vkey } = identity;
  const watched = [...new Set(logs.map(log => log.name))];
  const seen = state.checkpoints().map(({ origin }) => origin);
  const onCosignError = (error: CosignError) => emit(refusedEvent(error, data));
  const app = buildServer({ witness, vkey, origins: [...watched, ...seen], emit, onCosignError });
  const closeServer = createCloser(app);
  const url = await app.listen({ host, port, listenTextResolver: text => text });
  const close = async () => {
    await closeServer();
    state.close();
  };
  return { url: reachable(url), name, vkey, logs: watched, close };
}

/**
 * Verifies the witness's own signature on every remembered checkpoint, which reveals any change to the file.
 */
async function checkState(state: State, { vkey }: WitnessIdentity): Promise<void> {
  const key = parseVkey(vkey);
  for (const { origin, note } of state.checkpoints()) {
    await openNote(note, [key]).catch((error: Error) => {
      throw new WitnessError(`The state is damaged, at ${origin}: ${error.message}`);
    });
  }
}

async function allLogs(
  { logs = [], logsFrom = [] }: WitnessOptions,
  state: State,
  emit: WitnessEventHandler,
) {
  const all = [...logs];
  for (const url of logsFrom) {
    const found = await logKeysFrom(url, state, emit);
    const known = all.filter(({ name }) => name === found[0]?.name);
    const isKnown = ({ publicKey }: VerifierKey) => known.some(key => key.publicKey === publicKey);
    if (known.length > 0 && !found.every(isKnown)) {
      throw new WitnessError(`${url} shows other keys of ${known[0]?.name} than were named before`);
    }
    state.pin(url, formatKeys(found));
    all.push(...found);
  }
  if (all.length === 0) throw new WitnessError('A witness needs a log to watch');
  return all;
}

/**
 * Compares the log's published checkpoint with the state. A folder restored from a backup may be older than
 * what the witness has signed.
 */
async function checkPublished(witness: Witness, url: string, emit: WitnessEventHandler): Promise<void> {
  const note = await publishedCheckpoint(url, emit);
  try {
    if (note !== undefined) await witness.checkMemory(note);
  } catch (error) {
    if (error instanceof CosignError) throw new WitnessError(`${error.message}. ${START_ANEW}`);
    if (!(error instanceof TlogError)) throw error;
    emit({ event: 'log_unreachable', url, detail: `${url}/checkpoint is none: ${error.message}` });
  }
}

const START_ANEW = 'Bring back the newest state, or start a new witness, with a name and a folder of its own';

function refusedEvent({ code, message, details }: CosignError, data: string) {
  const { origin, evidence } = details;
  const file = evidence && origin !== undefined ? keepFork(data, origin, evidence) : undefined;
  return {
    event: 'refused' as const,
    code,
    detail: message,
    ...(origin !== undefined && { origin }),
    ...(file !== undefined && { evidence: file }),
  };
}

/**
 * Writes both checkpoints to a file, which proves to anyone that the log has forked. The first such file is
 * kept.
 */
function keepFork(data: string, origin: string, notes: readonly string[]): string {
  const path = join(data, `fork-${hashOf(origin)}.txt`);
  if (!existsSync(path)) writeFileSync(path, notes.join('\n'), { mode: 0o600, flush: true });
  return path;
}

/** Returns an address that clients can connect to. The wildcard address is only for listening. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}
