import { table } from './table.ts';

/** The result of a check. */
export interface CheckFinding {
  name: string;
  /** Null when there was nothing to check. */
  ok: boolean | null;
  detail: string;
}

const MARKS = new Map([
  [true, '✓'],
  [false, '✗'],
  [null, '·'],
]);

/** Prints one line for each check: its mark, its name and what was found. */
export function findingsTable(findings: readonly CheckFinding[]): string {
  const rows = findings.map(({ ok, name, detail }) => [MARKS.get(ok), name, detail]);
  return table(['', 'check', 'found'], rows);
}

/** Returns the names of the failed checks, each once. */
export function failedChecks(findings: readonly CheckFinding[]): string[] {
  return [...new Set(findings.filter(({ ok }) => ok === false).map(({ name }) => name))];
}
