import { formatVkey, parseVkey, type VerifierKey } from '@aitbc/tlog';

/** A witness that the coordinator asks to cosign its checkpoints. */
export interface WitnessAddress {
  /** Address to which `/add-checkpoint` is appended, without a slash at its end. */
  url: string;
  /** A key of type cosignature/v1. */
  key: VerifierKey;
}

/** Every verifier of notes accepts 16 signatures, of which two are the log's own. */
const MAX_WITNESSES = 14;

/**
 * Reads `URL=VKEY`. The URL ends at the first `=`, so a `=` within it must be written `%3D`.
 *
 * @throws with a message that continues the option's name
 */
export function parseWitness(text: string): WitnessAddress {
  const [, url = '', vkey = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (vkey === '') throw new Error(`must be URL=VKEY, not ${JSON.stringify(text)}`);
  return { url: readUrl(url), key: readKey(vkey) };
}

/**
 * Reads several witnesses, whose names and keys must all differ.
 *
 * @throws as {@link parseWitness}
 */
export function parseWitnesses(texts: readonly string[]): WitnessAddress[] {
  if (texts.length > MAX_WITNESSES) throw new Error(`must be ${MAX_WITNESSES} at most, not ${texts.length}`);
  const witnesses = texts.map(parseWitness);
  for (const part of ['name', 'publicKey'] as const) {
    const values = witnesses.map(({ key }) => key[part]);
    const twice = witnesses.find((_, index) => values.indexOf(values[index] ?? '') < index);
    if (twice) throw new Error(`must not be twice the same, by name or key: ${formatVkey(twice.key)}`);
  }
  return witnesses;
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new Error(`must begin with http:// or https://, not be ${JSON.stringify(text)}`);
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new Error(`must have an address without query, fragment and password, not ${JSON.stringify(text)}`);
  return url.href.replace(/\/$/, '');
}

function readKey(vkey: string): VerifierKey {
  let key: VerifierKey;
  try {
    key = parseVkey(vkey);
  } catch (error) {
    throw new Error(`must have a verifier key behind the =: ${(error as Error).message}`);
  }
  if (key.type !== 'cosignature/v1')
    throw new Error(`must have a witness's key, of type cosignature/v1, not ${vkey}`);
  // In a policy file, `none` means that no witness is needed.
  if (key.name === 'none') throw new Error('must not have a witness called none');
  return key;
}
