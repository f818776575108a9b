/** A fenced block of code in a Markdown text. */
export interface CodeBlock {
  /** What stands behind the fence: `sh`. */
  language: string;
  code: string;
  /** Of its first line of code, counted from 1. */
  line: number;
  /** Text of the HTML comment right above it. */
  remark: string | undefined;
}

const BLOCK = /(?:^<!-- ([^\n]*?) -->\n\n?)?^```(\w*)\n(.*?)^```$/gms;

/** The fenced blocks of a Markdown text, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return Array.from(
    markdown.matchAll(BLOCK),
    ({ 0: all, 1: remark, 2: language = '', 3: code = '', index }) => {
      const before = markdown.slice(0, index + all.indexOf('```'));
      return { language, code, line: before.split('\n').length + 1, remark };
    },
  );
}
