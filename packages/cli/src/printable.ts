/** Control characters but tab and line feed, and those that change the direction of text or break its lines unseen. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is shown escaped
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text as it is shown on a terminal: what the terminal would obey is written out (`\u001b`), since strangers chose parts
 * of the text. A line break of Windows becomes a line feed, also where one piece of a text ends within it.
 */
export function printable(text: string): string {
  return text
    .replace(/\r(?=\n|$)/g, '')
    .replace(OBEYED, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
