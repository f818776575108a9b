import { formatVkey, parseVkey, type VerifierKey } from '@aitbc/tlog';

/** Whom the coordinator asks to cosign its checkpoints. */
export interface WitnessAddress {
  /** What `/add-checkpoint` is appended to; without a slash at its end. */
  url: string;
  /** Of type cosignature/v1. */
  key: VerifierKey;
}

/** Of the 16 signatures that every verifier of notes accepts, the log makes two. */
const MAX_WITNESSES = 14;

/**
 * Reads `URL=VKEY`. The URL ends at the first `=`: one in it is written `%3D`.
 *
 * @throws with what is wrong, worded to follow the name of the option
 */
export function parseWitness(text: string): WitnessAddress {
  const [, url = '', vkey = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (vkey === '') throw new Error(`must be URL=VKEY, not ${JSON.stringify(text)}`);
  return { url: readUrl(url), key: readKey(vkey) };
}

/**
 * Reads several, each with a key and a name of its own.
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
  // In a policy file it stands for no witness at all.
  if (key.name === 'none') throw new Error('must not have a witness called none');
  return key;
}
