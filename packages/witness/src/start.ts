import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNote, parseVkey, TlogError, type VerifierKey } from '@aitbc/tlog';
import { closerOf } from './closing.ts';
import { Refusal, WitnessError } from './errors.ts';
import type { Emit } from './events.ts';
import { type Identity, loadIdentity } from './key.ts';
import { formatKeys, logKeysFrom, publishedCheckpoint } from './log-address.ts';
import { buildServer, hashOf } from './server.ts';
import { openState, type State } from './state.ts';
import { createWitness, type Witness } from './witness.ts';

export interface WitnessOptions {
  /** Folder of key and state, made when missing. One witness a folder. */
  data: string;
  /** Such as `witness.example/alice`; needed at the first start, remembered from then on. */
  name?: string | undefined;
  /** Keys of the logs that are watched; the name of each is the origin of its log. A log may have several. */
  logs?: readonly VerifierKey[];
  /** Addresses of logs, whose keys are read there at the first start. */
  logsFrom?: readonly string[];
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
  onEvent?: Emit;
}

export interface RunningWitness {
  /** Where it listens: `http://127.0.0.1:8100`. */
  url: string;
  name: string;
  /** The key that its cosignatures verify with, of type cosignature/v1. */
  vkey: string;
  /** The origins of the logs that it watches. */
  logs: readonly string[];
  /** Stops accepting, finishes what is in flight, closes the state. */
  close(): Promise<void>;
}

/**
 * Starts a witness.
 *
 * @throws WitnessError where options and folder can't be used; an error with a `code` where it can't listen
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
  const identity = loadIdentity(data, state, options.name);
  await checkState(state, identity);
  const logs = await allLogs(options, state, emit);
  const witness = createWitness({ identity, logs, state, now });
  for (const url of logsFrom) await recallPublished(witness, url, emit);
  const { name, vkey } = identity;
  const watched = [...new Set(logs.map(log => log.name))];
  const seen = state.checkpoints().map(({ origin }) => origin);
  const onRefusal = (refusal: Refusal) => emit(refusedEvent(refusal, data));
  const app = buildServer({ witness, vkey, origins: [...watched, ...seen], emit, onRefusal });
  const closeServer = closerOf(app);
  const url = await app.listen({ host, port, listenTextResolver: text => text });
  const close = async () => {
    await closeServer();
    state.close();
  };
  return { url: reachable(url), name, vkey, logs: watched, close };
}

/** Every checkpoint in it carries the witness's signature, so that whatever changed it is noticed. */
async function checkState(state: State, { vkey }: Identity): Promise<void> {
  const key = parseVkey(vkey);
  for (const { origin, note } of state.checkpoints()) {
    await openNote(note, [key]).catch((error: Error) => {
      throw new WitnessError(`The state is damaged, at ${origin}: ${error.message}`);
    });
  }
}

async function allLogs({ logs = [], logsFrom = [] }: WitnessOptions, state: State, emit: Emit) {
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

/** A folder that was restored may be older than what the log shows the witness to have signed. */
async function recallPublished(witness: Witness, url: string, emit: Emit): Promise<void> {
  const note = await publishedCheckpoint(url, emit);
  try {
    if (note !== undefined) await witness.recall(note);
  } catch (error) {
    if (error instanceof Refusal) throw new WitnessError(`${error.message}. ${START_ANEW}`);
    if (!(error instanceof TlogError)) throw error;
    emit({ event: 'log_unreachable', url, detail: `${url}/checkpoint is none: ${error.message}` });
  }
}

const START_ANEW = 'Bring back the newest state, or start a new witness, with a name and a folder of its own';

function refusedEvent({ code, message, details }: Refusal, data: string) {
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

/** Two trees of one size, both signed by the log: whoever reads the file can verify that it has forked. The first is kept. */
function keepFork(data: string, origin: string, notes: readonly string[]): string {
  const path = join(data, `fork-${hashOf(origin)}.txt`);
  if (!existsSync(path)) writeFileSync(path, notes.join('\n'), { mode: 0o600, flush: true });
  return path;
}

/** An address that listens on all interfaces is none that one can call. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}
