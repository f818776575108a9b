import type { Restore } from '@aitbc/protocol';
import { STATEMENT_KINDS, type TrustedKey } from '@aitbc/receipts';
import type { LedgerFault, LedgerTree } from '@aitbc/sdk';
import type { CheckFinding } from '../findings.ts';

/** The most faults that are stored. A log can be wrong throughout. */
const MOST_FAULTS = 1000;
/** The most faults of one kind that are shown to people. */
const SHOWN_FAULTS = 5;

/** The result of auditing a tree, or its new part. */
export interface Audit {
  from: number;
  size: number;
  receipts: number;
  grants: number;
  /** Statements of other kinds, by kind. */
  others: Record<string, number>;
  /** The restore that the ledger begins with, when entry 0 was audited and is one. */
  restore: Restore | null;
  /** The first faults. */
  faults: LedgerFault[];
  totals: Record<FaultKind, number>;
}

type FaultKind = 'tiles' | 'entries' | 'statements';

export interface AuditFlags {
  /** False when entries need not be statements. */
  statements: boolean;
  keys: readonly TrustedKey[] | null;
}

export async function auditTree(
  tree: LedgerTree,
  { statements, keys }: AuditFlags,
  {
    from = 0,
    signal,
    onProgress,
  }: { from?: number; signal: AbortSignal; onProgress?: (by: number, all: number) => void },
): Promise<Audit> {
  const totals = { tiles: 0, entries: 0, statements: 0 };
  const audit: Audit = {
    ...{ from, size: tree.size, receipts: 0, grants: 0, others: Object.create(null), restore: null },
    ...{ faults: [], totals },
  };
  let before = 0;
  for await (const step of tree.audit({ from, statements, signal, ...(keys && { keys }) })) {
    audit.receipts += step.receipts;
    audit.grants += step.grants;
    for (const [kind, number] of Object.entries(step.others))
      audit.others[kind] = (audit.others[kind] ?? 0) + number;
    audit.restore ??= step.restore;
    audit.faults.push(...step.faults.slice(0, MOST_FAULTS - audit.faults.length));
    for (const fault of step.faults) totals[kindOf(fault)]++;
    onProgress?.(step.done - before, step.total);
    before = step.done;
  }
  return audit;
}

function kindOf({ code, path }: LedgerFault): FaultKind {
  if (code === 'STATEMENT_INVALID') return 'statements';
  return path === null || path.startsWith('tile/entries/') ? 'entries' : 'tiles';
}

/** Returns a finding for each kind of check, or one for each of the first faults. */
export function auditFindings(audit: Audit, flags: AuditFlags): CheckFinding[] {
  const good: Record<FaultKind, CheckFinding> = {
    tiles: {
      ...{ name: 'tiles', ok: true },
      detail: 'each hashes to its entry in the tile above, and the topmost to the root',
    },
    entries: { name: 'entries', ok: true, detail: `${count(audit.size, 'entry', 'entries')}, as signed` },
    statements: flags.statements
      ? { name: 'statements', ok: true, detail: statementsIn(audit, flags) }
      : { name: 'statements', ok: null, detail: 'not checked, because of --no-statements' },
  };
  const findings = Object.values(good).flatMap(finding => {
    const kind = finding.name as FaultKind;
    if (audit.totals[kind] === 0) return [finding];
    return faultDetails(audit, kind).map(detail => ({ name: kind, ok: false, detail }));
  });
  if (!audit.restore) return findings;
  return [...findings, { name: 'restore', ok: null, detail: describeRestore(audit.restore) }];
}

/** Describes what was cut when a restore began a new ledger. */
export function describeRestore({ previous, newest, accounts, balance_sum }: Restore): string {
  const lost =
    newest === undefined
      ? 'entries signed beyond these, if any, are cut'
      : `a tree of at least ${newest.tree_size} was signed, and its other entries are cut`;
  return `the ledger continues from the first ${count(previous.tree_size, 'entry', 'entries')} of ${previous.origin}; ${lost}. ${count(accounts, 'account')} opened with ${balance_sum} credits`;
}

/** Describes the first faults of a kind, and how many more there are. */
function faultDetails({ faults, totals }: Audit, kind: FaultKind): string[] {
  const shown = faults.filter(fault => kindOf(fault) === kind).slice(0, SHOWN_FAULTS);
  const more = totals[kind] - shown.length;
  return [...shown.map(({ detail }) => detail), ...(more === 0 ? [] : [`and ${more} more`])];
}

function statementsIn(audit: Audit, { keys }: Pick<AuditFlags, 'keys'>): string {
  const { receipts, grants } = audit;
  const who = keys ? 'a key that you trust' : 'the key that it names, for which the ledger vouches';
  const { known, unknown } = othersIn(audit);
  const kinds = [...known, ...unknown.map(text => `${text} of an unknown kind`)].map(text => `, ${text}`);
  return `${count(receipts, 'receipt')} and ${count(grants, 'grant')}: each adds up, and is signed by ${who}${kinds.join('')}`;
}

/** Counts the statements of other kinds. A stranger wrote the names of unknown kinds. */
export function othersIn({ others }: Pick<Audit, 'others'>): { known: string[]; unknown: string[] } {
  const kinds = Object.entries(others);
  const isKnown = (kind: string) => (STATEMENT_KINDS as readonly string[]).includes(kind);
  return {
    known: kinds
      .filter(([kind]) => isKnown(kind))
      .map(([kind, number]) => count(number, kind.replace('_', ' '))),
    unknown: kinds.filter(([kind]) => !isKnown(kind)).map(([kind, number]) => `${number} ${printable(kind)}`),
  };
}

/** Replaces characters that a terminal could take for a command. */
const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?');

export const count = (number: number, noun: string, plural = `${noun}s`) =>
  `${number} ${number === 1 ? noun : plural}`;
