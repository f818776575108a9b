/** A fenced block of code in a Markdown text. */
export interface CodeBlock {
  /** The word after the fence: `sh`. */
  language: string;
  code: string;
  /** The number of its first line of code, from 1. */
  line: number;
  /** The text of the HTML comment right above it. */
  remark: string | undefined;
}

const BLOCK = /(?:^<!-- ([^\n]*?) -->\n\n?)?^```(\w*)\n(.*?)^```$/gms;

/** Returns the fenced blocks of a Markdown text in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return Array.from(
    markdown.matchAll(BLOCK),
    ({ 0: all, 1: remark, 2: language = '', 3: code = '', index }) => {
      const before = markdown.slice(0, index + all.indexOf('```'));
      return { language, code, line: before.split('\n').length + 1, remark };
    },
  );
}
