import { formatVkey, parseVkey, type VerifierKey } from '@aitbc/tlog';

/** Whom the coordinator asks to cosign its checkpoints. */
export interface WitnessAddress {
  /** What `/add-checkpoint` is appended to; without a slash at its end. */
  url: string;
  /** Of type cosignature/v1. */
  key: VerifierKey;
}

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
  const witnesses = texts.map(parseWitness);
  for (const part of ['name', 'publicKey'] as const) {
    const values = witnesses.map(({ key }) => key[part]);
    const twice = witnesses.find((_, index) => values.indexOf(values[index] ?? '') < index);
    if (twice) throw new Error(`names ${formatVkey(twice.key)} or its like twice: a witness counts once`);
  }
  return witnesses;
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new Error(`must begin with http:// or https://, not be ${JSON.stringify(text)}`);
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new Error(`must have an address without query, fragment and password: ${JSON.stringify(text)}`);
  return url.href.replace(/\/$/, '');
}

function readKey(vkey: string): VerifierKey {
  let key: VerifierKey;
  try {
    key = parseVkey(vkey);
  } catch (error) {
    throw new Error(`has no verifier key behind its =: ${(error as Error).message}`);
  }
  if (key.type !== 'cosignature/v1')
    throw new Error(`has a key that is no witness's: ${vkey} signs notes, not checkpoints with a time`);
  // In a policy file it stands for no witness at all.
  if (key.name === 'none') throw new Error('has a witness called none, which means that there is none');
  return key;
}
