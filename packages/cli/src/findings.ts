import { table } from './output.ts';

/** What a check has found. */
export interface Finding {
  name: string;
  /** null where there was nothing to check. */
  ok: boolean | null;
  detail: string;
}

const MARKS = new Map([
  [true, '✓'],
  [false, '✗'],
  [null, '·'],
]);

/** A line for each check: whether it holds, and what was found. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ ok, name, detail }) => [MARKS.get(ok), name, detail]);
  return table(['', 'check', 'found'], rows);
}

/** The names of the checks that do not hold, each once. */
export function failedChecks(findings: readonly Finding[]): string[] {
  return [...new Set(findings.filter(({ ok }) => ok === false).map(({ name }) => name))];
}
