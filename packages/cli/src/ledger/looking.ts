import { type Ledger, type LedgerCheckpoint, LedgerError, type LedgerFault } from '@aitbc/sdk';
import type { Policy } from '@aitbc/tlog';
import { checkCheckpoint } from '../checkpoint-checks.ts';
import { type AuditFlags, auditTree } from './auditing.ts';
import { type Breach, type Earlier, findBreach } from './history.ts';
import { describeTree } from './verify.ts';

export interface Looking {
  ledger: Ledger;
  policy: Policy;
  audit: AuditFlags;
  signal: AbortSignal;
  /** Look at all entries where there is nothing earlier, rather than at none. */
  fromStart?: boolean;
}

/** What one look at a ledger has found. */
export interface Look {
  /** null for one that can't be believed. */
  checkpoint: LedgerCheckpoint | null;
  /** The same for programs, with its witnesses. */
  tree: ReturnType<typeof describeTree> | null;
  /** Entries before that one were not looked at now. */
  from: number;
  receipts: number;
  grants: number;
  /** Statements of other kinds, by kind. */
  others: Record<string, number>;
  /** The first ones. */
  faults: LedgerFault[];
  /** How many faults there are. */
  total: number;
  /** The tree is as it was signed, and by whom it must be. What its entries say may be wrong for all that. */
  isSound: boolean;
  breach: Breach | null;
}

const NOTHING = { checkpoint: null, tree: null, from: 0, receipts: 0, grants: 0, others: {}, breach: null };

/**
 * Looks at the newest checkpoint, and at what is new in its tree since the earlier ones; where there are none, at no
 * entries.
 *
 * @throws what keeps the log from being read, such as a ConnectionError
 */
export async function look(looking: Looking, earlier: readonly Earlier[]): Promise<Look> {
  try {
    return await lookOrThrow(looking, earlier);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { code, path, message: detail } = error;
    return { ...NOTHING, faults: [{ code, path, index: null, detail }], total: 1, isSound: false };
  }
}

async function lookOrThrow(
  { ledger, policy, audit: flags, signal, fromStart = false }: Looking,
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
