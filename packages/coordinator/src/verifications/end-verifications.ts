import { type AnswerScore, addAnswer, EMPTY_RECORD, type MinerRecord } from '@aitbc/evidence';
import type { InconclusiveReason, Judgement, UnsignedVerification, VerificationRule } from '@aitbc/protocol';
import { VERIFICATION_VERSION } from '@aitbc/protocol/versions';
import { signVerification, verificationEntry } from '@aitbc/receipts';
import { loadAddresses } from '../accounts/accounts.ts';
import { NOBODY } from '../accounts/move-credits.ts';
import type { Issuer } from '../define-module.ts';
import { eraseTextsOf } from '../jobs/save-jobs.ts';
import { appendEntries } from '../ledger/entries.ts';
import { liftSuspensions, suspendOperators } from '../miners/withdraw.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { VerificationRow } from './verification.ts';

/** How a verification ends. */
export interface Ending {
  row: VerificationRow;
  nonce: string;
  judgement: Judgement;
  reason?: InconclusiveReason | undefined;
  /** Absent where nothing was scored. */
  score?: Pick<AnswerScore, 'tokens' | 'sum' | 'variance'> & { rule: VerificationRule };
  scoresHash?: string;
  /** Whether it counts for the miner. */
  counts: boolean;
  /** Whether the miner's record begins anew, as after an appeal that was upheld. */
  clears?: boolean;
}

/**
 * Ends verifications: signs what was found and appends it to the ledger, adds it to the records of the miners, and
 * suspends whom a record accuses. A crash leaves all of it or nothing.
 */
export async function endVerifications(
  found: readonly Ending[],
  issuer: Issuer,
  context: WriteContext,
): Promise<void> {
  if (found.length === 0) return;
  const { tx, now, emit } = context;
  const endings = await countOnce(found, context);
  const records = await loadRecords(endings, context);
  const addresses = await loadAddresses(
    endings.flatMap(({ row }) => row.verifier_account ?? []),
    tx,
  );
  const heights = [...new Set(endings.flatMap(({ row }) => row.draw ?? []))];
  const sizes = new Map((await tx.load('draw', 'height', heights)).map(({ height, size }) => [height, size]));
  const unsigned = endings.map(ending => {
    const { row } = ending;
    const clears = ending.clears ?? records.mustClear(ending);
    const verifier = addresses.get(row.verifier_account ?? 0) ?? null;
    const draw = sizes.get(row.draw ?? -1) ?? null;
    const statement = statementOf({ ...ending, clears }, { verifier, draw, issuer, now });
    records.add(row, statement);
    return statement;
  });
  const statements = await Promise.all(unsigned.map(each => signVerification(each, issuer.signer)));
  await appendEntries(
    statements.map(statement => ({
      ...{ id: statement.verification_id, type: 'verification' as const, jobId: null },
      ...{ payerId: NOBODY, payeeId: NOBODY, amount: 0 },
      body: Buffer.from(verificationEntry(statement)).toString(),
    })),
    context,
  );
  await tx.upsert('verification', endings.map(endedRow(now)));
  for (const { row, judgement } of endings) emit({ type: 'verification.ended', judgement, cause: row.cause });
  await records.save(context);
  await tx.add('counter', [{ name: 'verifications.open', value: -endings.length }]);
  const drawn = Map.groupBy(endings, ({ row }) => row.draw);
  await tx.add(
    'draw',
    [...drawn].flatMap(([height, rows]) => (height === null ? [] : [{ height, open: -rows.length }])),
  );
  await eraseTextsOf(
    endings.flatMap(({ row }) => (row.erase === 1 ? [row.job_id] : [])),
    context,
  );
}

/** An answer counts once, also where it was drawn and differed from others, too. */
async function countOnce(
  endings: readonly Ending[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<readonly Ending[]> {
  const receipts = [...new Set(endings.flatMap(({ row, counts }) => (counts ? [row.receipt_id] : [])))];
  const counted = new Set(
    (await tx.load('verification', 'receipt_id', receipts, 'counts = 1')).map(row => row.receipt_id),
  );
  return endings.map(ending => {
    if (!ending.counts) return ending;
    const counts = !counted.has(ending.row.receipt_id);
    counted.add(ending.row.receipt_id);
    return { ...ending, counts };
  });
}

const endedRow =
  (now: number) =>
  ({ row, judgement, reason, counts }: Ending): VerificationRow => ({
    ...{ ...row, judgement, state: 'ended', ended_at: now, lease_expires_at: null },
    ...{ reason: reason ?? null, counts: counts ? 1 : 0 },
  });

function statementOf(
  { row, nonce, judgement, reason, score, scoresHash, counts, clears }: Ending,
  {
    verifier,
    draw,
    issuer,
    now,
  }: { verifier: string | null; draw: number | null; issuer: Issuer; now: number },
): UnsignedVerification {
  return {
    type: 'verification',
    version: VERIFICATION_VERSION,
    verification_id: row.id,
    ...{ cause: row.cause, about: row.about, job_id: row.job_id, receipt_id: row.receipt_id },
    ...{ miner_id: row.miner_id, passport: row.passport, weights: row.weights },
    answered_at: Math.floor(row.answered_at / 1000),
    ...{ verifier_id: row.verifier_id, verifier, engine: row.engine },
    ...(score
      ? { rule: score.rule, tokens: score.tokens, sum: score.sum, variance: score.variance }
      : { rule: null, tokens: 0, sum: 0, variance: 0 }),
    ...{ judgement, reason: reason ?? null, scores_hash: scoresHash ?? null },
    ...{ counts, clears: clears ?? false, draw },
    coordinator_id: issuer.coordinatorId,
    created_at: Math.floor(now / 1000),
    nonce,
    metadata: row.appeal_reason === null ? {} : { reason: row.appeal_reason },
  };
}

/** The records of the miners that the endings are about. */
async function loadRecords(endings: readonly Ending[], { tx }: Pick<WriteContext, 'tx'>) {
  const keyOf = (row: VerificationRow) => `${row.miner_id}/${row.passport}`;
  const ids = [...new Set(endings.map(({ row }) => keyOf(row)))];
  const rows = new Map((await tx.load('evidence', 'id', ids)).map(row => [row.id, row]));
  const minerIds = [...new Set(endings.map(({ row }) => row.miner_id))];
  const suspended = new Map(
    (await tx.load('miner', 'id', minerIds)).map(miner => [miner.id, miner.suspended_at]),
  );
  const accused = new Map<string, Row<'evidence'>>();
  const refuted = new Map<number, Parameters<typeof liftSuspensions>[0][number]>();

  return {
    /** Whoever was accused before, and gets jobs again, is judged by what it answers since. */
    mustClear({ row, counts }: Ending): boolean {
      const known = rows.get(keyOf(row));
      if (!counts || !known || toRecord(known).state.judgement !== 'accused') return false;
      return suspended.get(row.miner_id) === null && row.answered_at > (known.accused_at ?? 0);
    },
    add(row: VerificationRow, statement: UnsignedVerification): void {
      const id = keyOf(row);
      const known = rows.get(id);
      const before = known ? toRecord(known) : EMPTY_RECORD;
      const record = addAnswer(before, statement);
      const { miner_id, operator_id, passport, model } = row;
      const next = { id, miner_id, operator_id, passport, model, ...toColumns(record), updated_at: 0 };
      rows.set(id, next);
      if (record.accusations > before.accusations) accused.set(id, next);
      if (row.cause === 'appeal' && statement.clears && before.state.judgement === 'accused')
        refuted.set(operator_id, {
          ...{ operatorId: operator_id, minerId: miner_id, accusedAt: next.accused_at ?? 0 },
          verificationId: row.id,
        });
    },
    async save(context: WriteContext): Promise<void> {
      const { tx, now, emit } = context;
      await tx.upsert(
        'evidence',
        [...rows.values()].map(row => ({ ...row, updated_at: now })),
      );
      for (const { miner_id: minerId, passport, accused_by } of accused.values())
        emit({ type: 'miner.accused', minerId, passport, verificationId: accused_by ?? '' });
      await liftSuspensions([...refuted.values()], context);
      const byOperator = new Map([...accused.values()].map(row => [row.operator_id, row]));
      await suspendOperators(
        [...byOperator.values()].map(({ operator_id, miner_id, accused_by }) => ({
          ...{ operatorId: operator_id, minerId: miner_id, verificationId: accused_by ?? '' },
        })),
        context,
      );
    },
  };
}

export function toRecord(row: Row<'evidence'>): MinerRecord {
  const { consistent, accused, inconclusive, tokens, accusations, accused_at, accused_by } = row;
  return {
    state: JSON.parse(row.state),
    ...{ consistent, accused, inconclusive, tokens, accusations, accused_by },
    accused_at: accused_at === null ? null : Math.floor(accused_at / 1000),
  };
}

const toColumns = ({ state, accused_at, ...counts }: MinerRecord) => ({
  ...counts,
  state: JSON.stringify(state),
  accused_at: accused_at === null ? null : accused_at * 1000,
});
