import { type Ledger, type LedgerCheckpoint, LedgerError, type LedgerFault } from '@aitbc/sdk';
import type { Policy } from '@aitbc/tlog';
import { checkCheckpoint } from '../checkpoint-checks.ts';
import { type AuditFlags, auditTree } from './audit-tree.ts';
import { type Breach, type Earlier, findBreach } from './history.ts';
import { describeTree } from './verify.ts';

export interface LookOptions {
  ledger: Ledger;
  policy: Policy;
  audit: AuditFlags;
  signal: AbortSignal;
  /** Whether to audit all entries when there is no earlier checkpoint. Otherwise none are audited then. */
  fromStart?: boolean;
}

/** The result of one look at a ledger. */
export interface Look {
  /** Null when the checkpoint is not valid. */
  checkpoint: LedgerCheckpoint | null;
  /** The checkpoint for programs, with its witnesses. */
  tree: ReturnType<typeof describeTree> | null;
  /** Entries before this one were not audited now. */
  from: number;
  receipts: number;
  grants: number;
  /** Statements of other kinds, by kind. */
  others: Record<string, number>;
  /** The first faults. */
  faults: LedgerFault[];
  /** How many faults there are. */
  total: number;
  /**
   * Whether the tree is as signed, with all signatures that the policy demands. Its statements may still be
   * invalid.
   */
  isSound: boolean;
  breach: Breach | null;
}

const NOTHING = { checkpoint: null, tree: null, from: 0, receipts: 0, grants: 0, others: {}, breach: null };

/**
 * Fetches the newest checkpoint, and audits the entries that are new since the earlier ones. Without earlier
 * ones, it audits no entries.
 *
 * @throws errors of reading the log, such as a ConnectionError
 */
export async function look(looking: LookOptions, earlier: readonly Earlier[]): Promise<Look> {
  try {
    return await lookOrThrow(looking, earlier);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { code, path, message: detail } = error;
    return { ...NOTHING, faults: [{ code, path, index: null, detail }], total: 1, isSound: false };
  }
}

async function lookOrThrow(
  { ledger, policy, audit: flags, signal, fromStart = false }: LookOptions,
  earlier: readonly Earlier[],
): Promise<Look> {
  const checkpoint = await ledger.checkpoint({ signal });
  const breach = await findBreach(ledger, checkpoint, earlier, { signal });
  if (breach) return { ...NOTHING, checkpoint, breach, faults: [], total: 0, isSound: false };
  const checks = await checkCheckpoint(checkpoint.note, policy);
  const unmet = checks.findings.filter(({ ok }) => ok === false).map(ofCheckpoint);
  const sizes = earlier.map(each => each.checkpoint.size);
  const from = sizes.length === 0 && !fromStart ? checkpoint.size : Math.max(0, ...sizes);
  const { receipts, grants, others, faults, totals } = await auditTree(ledger.tree(checkpoint), flags, {
    from,
    signal,
  });
  const misfits = totals.tiles + totals.entries + unmet.length;
  return {
    ...{ checkpoint, tree: describeTree(checkpoint, checks), from, receipts, grants, others, breach: null },
    faults: [...unmet, ...faults],
    total: misfits + totals.statements,
    isSound: misfits === 0,
  };
}

const ofCheckpoint = ({ name, detail }: { name: string; detail: string }): LedgerFault => ({
  ...{ code: 'CHECKPOINT_INVALID', path: null, index: null },
  detail: `${name}: ${detail}`,
});
