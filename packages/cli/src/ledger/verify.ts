import { type LedgerCheckpoint, LedgerError } from '@aitbc/sdk';
import type { Command } from 'commander';
import { type CheckpointChecks, checkCheckpoint, unsigned } from '../checkpoint-checks.ts';
import { wantsJson } from '../connection.ts';
import { CommandFailure, Interruption } from '../failure.ts';
import { type CheckFinding, failedChecks, findingsTable } from '../findings.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { showSteps } from '../progress.ts';
import type { TrustFlags } from '../trust.ts';
import { type KeyFlags, readKeys } from '../trusted-keys.ts';
import { type Audit, type AuditFlags, auditFindings, auditTree, count } from './audit-tree.ts';
import { type Breach, findBreach, keepEvidence, openEarlier } from './history.ts';
import { type NamedLedger, openNamed } from './open-ledger.ts';
import { openSaved, type SavedCheckpoints } from './saved-checkpoints.ts';
import { describeSuccessor, findSuccessor } from './successor.ts';

export interface LedgerFlags extends TrustFlags, KeyFlags {
  checkpoints?: string;
  statements: boolean;
}

/** The result of the verification. */
interface Verdict {
  checkpoint: LedgerCheckpoint | null;
  checks: CheckpointChecks;
  findings: CheckFinding[];
  audit: Audit | null;
  /** Files of checkpoints that the ledger was compared with. */
  compared: string[];
  breach: Breach | null;
}

/** `aitbc ledger verify`: downloads a whole ledger and recomputes all of it. */
export async function verifyLedger(
  url: string | undefined,
  flags: LedgerFlags,
  command: Command,
  io: Io,
): Promise<void> {
  const saved = flags.checkpoints === undefined ? null : await openSaved(flags.checkpoints);
  const auditFlags = { statements: flags.statements, keys: await readKeys(flags) };
  const named = await openNamed(url, { flags, command, io });
  const verdict = await judge(named, { saved, auditFlags, io });
  const failed = failedChecks(verdict.findings);
  const evidence = verdict.breach && saved && (await keepEvidence(verdict.breach, saved.folder));
  const { checkpoint } = verdict;
  const kept =
    saved && checkpoint && failed.length === 0 ? await saved.keep(checkpoint.origin, checkpoint.note) : null;
  report(verdict, { url: named.url, evidence, kept }, command, io);
  if (failed.length > 0) throw new CommandFailure(`The ledger does not verify: ${failed.join(', ')}`);
}

interface Means {
  saved: SavedCheckpoints | null;
  auditFlags: AuditFlags;
  io: Io;
}

async function judge(named: NamedLedger, means: Means): Promise<Verdict> {
  const interrupted = new AbortController();
  const unsubscribe = means.io.onInterrupt(() =>
    interrupted.abort(new Interruption('Stopped before the end, so there is no result.')),
  );
  try {
    return await judgeUntil(interrupted.signal, named, means);
  } finally {
    unsubscribe();
  }
}

async function judgeUntil(signal: AbortSignal, named: NamedLedger, means: Means): Promise<Verdict> {
  const { ledger, policy } = named;
  const { saved, auditFlags, io } = means;
  const origins = policy.logs.map(({ key }) => key.name);
  const earlier = saved && (await openEarlier(ledger, await saved.read(origins)));
  const found = await withFault(ledger.checkpoint({ signal }));
  if ('fault' in found) {
    const checks = unsigned(found.fault.message);
    const successor = await findSuccessor(named, { io, keys: auditFlags.keys, signal });
    const restore = successor
      ? [{ name: 'restore', ok: false, detail: describeSuccessor(successor, earlier ?? []) }]
      : [];
    return { ...NOTHING_SEEN, checkpoint: null, checks, findings: [...checks.findings, ...restore] };
  }
  const checkpoint = found.value;
  const checks = await checkCheckpoint(checkpoint.note, policy);
  const compared = await withFault(findBreach(ledger, checkpoint, earlier ?? [], { signal }));
  const audit = await showSteps(io, onProgress =>
    auditTree(ledger.tree(checkpoint), auditFlags, {
      signal,
      onProgress: (by, all) => onProgress({ step: 'verify', by, all }),
    }),
  );
  const breach = 'fault' in compared ? null : compared.value;
  const history =
    'fault' in compared
      ? { name: 'history', ok: false, detail: `can't be compared: ${compared.fault.message}` }
      : describeHistory(breach, earlier?.length ?? null);
  return {
    ...{ checkpoint, checks, audit, breach },
    findings: [...checks.findings, history, ...auditFindings(audit, auditFlags)],
    compared: earlier?.flatMap(({ file }) => file ?? []) ?? [],
  };
}

const NOTHING_SEEN = { audit: null, breach: null, compared: [] };

/** Returns a fault of the log as a result. Other errors, which keep the log from being read, are thrown. */
async function withFault<T>(reading: Promise<T>): Promise<{ value: T } | { fault: LedgerError }> {
  try {
    return { value: await reading };
  } catch (error) {
    if (error instanceof LedgerError) return { fault: error };
    throw error;
  }
}

function describeHistory(breach: Breach | null, earlier: number | null): CheckFinding {
  if (breach) return { name: 'history', ok: false, detail: `${breach.detail} (${breach.earlier.file})` };
  if (earlier === null) {
    return {
      ...{ name: 'history', ok: null },
      detail: 'not compared: --checkpoints FOLDER keeps the checkpoint for the next time',
    };
  }
  if (earlier === 0)
    return { name: 'history', ok: null, detail: 'no earlier checkpoint to compare with yet' };
  return {
    ...{ name: 'history', ok: true },
    detail: `it begins with the trees signed before: ${count(earlier, 'saved checkpoint')}`,
  };
}

interface Outcome {
  url: string;
  evidence: string | null;
  kept: string | null;
}

function report(verdict: Verdict, { url, evidence, kept }: Outcome, command: Command, io: Io): void {
  const { findings, checkpoint, checks, audit, compared } = verdict;
  if (wantsJson(command)) {
    const valid = findings.every(({ ok }) => ok !== false);
    const ledger = checkpoint && describeTree(checkpoint, checks);
    const counted = audit && {
      receipts: audit.receipts,
      grants: audit.grants,
      others: audit.others,
      restore: audit.restore,
      faults: audit.faults,
      totals: audit.totals,
    };
    printJson(io, { valid, url, ledger, checks: findings, ...counted, compared, kept, evidence });
    return;
  }
  print(io, findingsTable(findings));
  if (evidence !== null)
    note(io, `Both checkpoints, signed by the ledger, are in ${evidence}: publish them.`);
  if (kept !== null) note(io, `The checkpoint is kept in ${kept}.`);
}

/** Describes a tree for programs. */
export function describeTree({ origin, size, root }: LedgerCheckpoint, { witnesses }: CheckpointChecks) {
  return {
    origin,
    tree_size: size,
    root_hash: Buffer.from(root).toString('base64'),
    witnesses: witnesses ?? [],
  };
}
