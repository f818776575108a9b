import Table from 'cli-table3';
import { printable } from './printable.ts';

type Cell = string | number | null | undefined;

/** Formats columns under headings without lines, which is easy to paste and grep. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return render([head.map(title => title.toUpperCase()), ...rows]);
}

/** Formats names and values, without those that have no value. */
export function fieldList(fields: Record<string, Cell>): string {
  return render(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

function render(rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map(row => row.map(cell => printable(String(cell ?? '-')).replace(/\s+/g, ' '))));
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map(part => [part, '']),
);
