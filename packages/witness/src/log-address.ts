import { formatVkey, parseVkey, TlogError, type VerifierKey } from '@aitbc/tlog';
import { WitnessError } from './errors.ts';
import type { WitnessEventHandler } from './events.ts';
import type { State } from './state.ts';

const TIMEOUT_MS = 10_000;
const MAX_CHARACTERS = 64 * 1024;

/**
 * Reads a log's keys from its address. When keys are pinned to the address, the log must show the same ones.
 *
 * @param url the log's prefix, to which `/vkey` and `/checkpoint` are appended
 * @throws WitnessError
 */
export async function logKeysFrom(
  url: string,
  state: State,
  emit: WitnessEventHandler,
): Promise<VerifierKey[]> {
  const pinned = state.pinned(url);
  let shown: string;
  try {
    shown = await readText(url, 'vkey');
  } catch (error) {
    const detail = (error as Error).message;
    if (pinned === undefined) throw new WitnessError(detail);
    emit({ event: 'log_unreachable', url, detail });
    return parseKeys(pinned, url);
  }
  const keys = parseKeys(shown, url);
  if (pinned !== undefined && pinned !== formatKeys(keys)) {
    throw new WitnessError(
      `${url} shows another key than at first, which was ${pinned.replaceAll('\n', ' ')}. Where that is as it should be, ` +
        'name its keys, the old and the new one, with --log',
    );
  }
  return keys;
}

/** Returns one key per line, sorted so that equal sets of keys are equal texts. */
export function formatKeys(keys: readonly VerifierKey[]): string {
  return keys.map(formatVkey).sort().join('\n');
}

/** Returns the log's last published checkpoint; undefined when there is none or the log does not answer. */
export async function publishedCheckpoint(
  url: string,
  emit: WitnessEventHandler,
): Promise<string | undefined> {
  try {
    return await readText(url, 'checkpoint');
  } catch (error) {
    emit({ event: 'log_unreachable', url, detail: (error as Error).message });
    return undefined;
  }
}

async function readText(url: string, resource: string): Promise<string> {
  const address = `${url.replace(/\/$/, '')}/${resource}`;
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(error => {
    throw new Error(`${address} does not answer: ${reasonOf(error)}`);
  });
  if (!response.ok) throw new Error(`${address} answers ${response.status}: is ${url} the address of a log?`);
  const text = await response.text();
  if (text.length > MAX_CHARACTERS) throw new Error(`${address} answers with ${text.length} characters`);
  return text;
}

const reasonOf = ({ message, cause }: Error) => (cause instanceof Error ? cause.message : message);

/** Parses one key per line. All must be keys of the same log. */
function parseKeys(text: string, url: string): VerifierKey[] {
  try {
    const keys = text.trim().split(/\s+/).map(parseVkey);
    if (new Set(keys.map(({ name }) => name)).size === 1) return keys;
    throw new WitnessError(`${url}/vkey has keys of different logs`);
  } catch (error) {
    throw error instanceof TlogError
      ? new WitnessError(`${url}/vkey has no key of a log: ${error.message}`)
      : error;
  }
}
