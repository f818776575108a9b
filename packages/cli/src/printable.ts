/**
 * Control characters except tab and line feed, and characters that change the direction of text or break
 * lines invisibly.
 */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is shown escaped
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Escapes what a terminal would execute (`\u001b`), because strangers wrote parts of the text. CRLF becomes a
 * line feed, even when a piece of text ends between the two.
 */
export function printable(text: string): string {
  return text
    .replace(/\r(?=\n|$)/g, '')
    .replace(OBEYED, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
