import { base64urlnopad } from '@scure/base';

/*
 * Bytes of texts, and texts of bytes. Node.js has native functions for both, which take a tenth of the time; a completed
 * job needs each of them.
 */

const utf8 = new TextEncoder();

export const utf8Bytes: (text: string) => Uint8Array =
  typeof Buffer === 'undefined' ? text => utf8.encode(text) : text => Buffer.from(text);

/** Returns unpadded base64url (RFC 4648 section 5). */
export const toBase64url: (bytes: Uint8Array) => string =
  typeof Buffer === 'undefined'
    ? bytes => base64urlnopad.encode(bytes)
    : ({ buffer, byteOffset, byteLength }) =>
        Buffer.from(buffer, byteOffset, byteLength).toString('base64url');
