const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @throws Error where the text is not base64 with padding */
export function fromBase64(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !BASE64.test(text))
    throw new Error('there is something other than base64 in it');
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
