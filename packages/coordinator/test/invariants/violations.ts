import type { PublicKey } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { sql } from 'kysely';
import type { Store } from '../../src/store/store.ts';

type Db = Store['read'];

/*
 * What holds in every committed state, as queries that find where it does not. Counters are compared with full counts
 * of what they count.
 */
const QUERIES: Record<string, string> = {
  'a counter of jobs is off': `
    SELECT c.name FROM counter c WHERE c.name LIKE 'jobs.%' AND c.value <>
      (SELECT count(*) FROM job j WHERE 'jobs.' || j.status = c.name AND j.role <> 'run')`,
  'the counter of receipts is off': `
    SELECT name FROM counter WHERE name = 'receipts.total' AND value <> (SELECT count(*) FROM entry WHERE type = 'receipt')`,
  'the counter of miners is off': `
    SELECT name FROM counter WHERE name = 'miners.total' AND value <>
      (SELECT count(*) FROM miner WHERE status <> 'removed')`,
  'the counter of active miners is off': `
    SELECT name FROM counter WHERE name = 'miners.active' AND value <>
      (SELECT count(*) FROM miner WHERE status IN ('online', 'draining'))`,
  'a queue counts wrong': `
    SELECT q.id FROM queue q WHERE
      q.pending <> (SELECT count(*) FROM job j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.role <> 'replicated') OR
      q.running <> (SELECT count(*) FROM job j WHERE j.queue_id = q.id AND j.status = 'running' AND j.role <> 'replicated')`,
  'an account counts its jobs wrong': `
    SELECT a.id FROM account a WHERE
      a.pending <> (SELECT count(*) FROM job j WHERE j.account_id = a.id AND j.status = 'pending' AND j.role <> 'replicated') OR
      a.running <> (SELECT count(*) FROM job j WHERE j.account_id = a.id AND j.status = 'running' AND j.role <> 'replicated') OR
      a.input_bytes <> (SELECT coalesce(sum(j.input_bytes), 0) FROM job j
        WHERE j.account_id = a.id AND j.status IN ('pending', 'running'))`,
  'an account counts its files wrong': `
    SELECT a.id FROM account a WHERE
      a.file_bytes <> (SELECT coalesce(sum(f.bytes), 0) FROM file f WHERE f.account_id = a.id)`,
  'a clock counts wrong': `
    SELECT c.id FROM fair_clock c WHERE
      c.pending <> (SELECT coalesce(sum(q.pending), 0) FROM queue q WHERE q.clock_id = c.id) OR
      c.running <> (SELECT coalesce(sum(q.running), 0) FROM queue q WHERE q.clock_id = c.id)`,
  'a rank lies behind the end of its clock': `
    SELECT j.id FROM job j JOIN queue q ON q.id = j.queue_id JOIN fair_clock c ON c.id = q.clock_id
      WHERE j.rank >= c.tail_rank`,
  'a miner counts wrong': `
    SELECT m.id FROM miner m WHERE
      m.running <> (SELECT count(*) FROM job j WHERE j.miner_id = m.id AND j.status = 'running') OR
      m.completed <> (SELECT count(*) FROM job j WHERE j.miner_id = m.id AND j.status = 'completed' AND j.role <> 'replicated')`,
  'a miner runs more than it registered for': `
    SELECT id FROM miner WHERE running > concurrency`,
  'a removed miner runs a job': `
    SELECT id FROM miner WHERE status = 'removed' AND running > 0`,
  'a job has more than one receipt': `
    SELECT job_id FROM entry WHERE type = 'receipt' GROUP BY job_id HAVING count(*) > 1`,
  'a receipt is of no job that was completed, or delivered before it was cancelled': `
    SELECT r.id FROM entry r LEFT JOIN job j ON j.id = r.job_id AND j.receipt_id = r.id
      WHERE r.type = 'receipt' AND (j.id IS NULL OR NOT (j.status = 'completed' OR j.status = 'cancelled' AND j.stream = 1))`,
  'a completed job has no receipt or no result': `
    SELECT j.id FROM job j LEFT JOIN entry r ON r.id = j.receipt_id LEFT JOIN job_output o ON o.job_id = j.id
      WHERE j.status = 'completed' AND (r.id IS NULL OR (o.job_id IS NULL AND j.erased_at IS NULL))`,
  'a job without a receipt has a result': `
    SELECT j.id FROM job j JOIN job_output o ON o.job_id = j.id WHERE j.receipt_id IS NULL`,
  'a job has no prompt': `
    SELECT j.id FROM job j LEFT JOIN job_input i ON i.job_id = j.id
      WHERE i.job_id IS NULL AND j.erased_at IS NULL`,
  'a job had too many attempts': `
    SELECT id FROM job WHERE attempts > max_attempts OR attempts < 0 OR
      (status = 'pending' AND attempts = max_attempts) OR (status = 'running' AND attempts = 0)`,
  'a running job is not leased as it should be': `
    SELECT id FROM job WHERE status = 'running' AND role <> 'replicated' AND (miner_id IS NULL OR started_at IS NULL OR
      lease_expires_at IS NULL OR deadline IS NULL OR lease_expires_at > deadline)`,
  'a job is leased that does not run': `
    SELECT id FROM job WHERE status <> 'running' AND (lease_expires_at IS NOT NULL OR deadline IS NOT NULL)`,
  'a job is held that does not wait': `
    SELECT id FROM job WHERE (status <> 'pending' AND held_until IS NOT NULL) OR
      (held_until IS NULL AND held_for IS NOT NULL)`,
  'an end has no time': `
    SELECT id FROM job WHERE (status IN ('completed', 'failed', 'cancelled')) <> (completed_at IS NOT NULL)`,
  'a batch counts its jobs wrong': `
    SELECT b.id FROM batch b WHERE b.outstanding <> (SELECT count(*) FROM job j
      WHERE substr(j.batch_line, 1, 32) = b.id AND j.status IN ('pending', 'running'))
      OR (b.stage = 'done') <> (b.ended_at IS NOT NULL)`,
  'a file counts wrong who needs it': `
    SELECT f.id FROM file f WHERE f.uses <>
      (SELECT count(*) FROM batch b WHERE b.stage <> 'done' AND f.id IN (b.input_file_id, b.output_file_id, b.error_file_id))`,
  'the ledger has a gap': `
    SELECT max(leaf_index) FROM entry WHERE leaf_index >= 0 HAVING count(*) <> max(leaf_index) + 1 OR min(leaf_index) <> 0`,
  'the tree does not count its entries': `
    SELECT id FROM tree WHERE size > entries OR entries <> (SELECT count(*) FROM entry WHERE leaf_index >= 0)
      OR size <> (SELECT count(*) FROM entry_hash WHERE leaf_index >= 0)`,
  'a balance is not what the entries say': `
    SELECT a.id FROM account a WHERE a.balance <>
      (SELECT coalesce(sum(e.amount), 0) FROM entry e WHERE e.payee_id = a.id AND e.leaf_index >= 0) -
      (SELECT coalesce(sum(e.amount), 0) FROM entry e WHERE e.payer_id = a.id AND e.leaf_index >= 0)`,
  'an account counts wrong what names it': `
    SELECT a.id FROM account a WHERE
      a.jobs <> (SELECT count(*) FROM entry e WHERE e.payer_id = a.id AND e.type = 'receipt') OR
      a.jobs_run <> (SELECT count(*) FROM entry e WHERE e.payee_id = a.id AND e.type = 'receipt') OR
      a.receipts <> (SELECT count(*) FROM entry e
        WHERE (e.payer_id = a.id OR e.payee_id = a.id) AND e.type = 'receipt') OR
      a.transactions <> (SELECT count(*) FROM entry e WHERE e.payer_id = a.id OR e.payee_id = a.id)`,
  'an account counts wrong what it earned and was paid': `
    SELECT a.id FROM account a WHERE
      a.earned <> (SELECT coalesce(sum(e.amount), 0) FROM entry e WHERE e.payee_id = a.id AND e.type = 'receipt') OR
      a.paid_out <> (SELECT coalesce(sum(p.amount), 0) FROM payout p WHERE p.account_id = a.id AND p.status <> 'withdrawn') OR
      a.payouts_confirmed <> (SELECT coalesce(sum(p.amount), 0) FROM payout p
        WHERE p.account_id = a.id AND p.status = 'confirmed') OR
      a.payouts_disputed <> (SELECT coalesce(sum(p.amount), 0) FROM payout p
        WHERE p.account_id = a.id AND p.status = 'disputed')`,
  'more was paid out than earned': `
    SELECT id FROM account WHERE paid_out > earned`,
  'a payout is not in the ledger': `
    SELECT p.id FROM payout p LEFT JOIN entry e ON e.id = p.id AND e.type = 'payout'
      AND e.payer_id = p.account_id AND e.amount = p.amount WHERE e.id IS NULL`,
  'a balance is reserved for other jobs than wait or run': `
    SELECT a.id FROM account a WHERE a.reserved <>
      (SELECT coalesce(sum(j.reserved), 0) FROM job j
        WHERE j.account_id = a.id AND j.status IN ('pending', 'running'))`,
  'more is set aside than there is': `
    SELECT id FROM account WHERE reserved > balance AND reserved > 0 OR reserved < 0`,
  'a run waits though its job has ended': `
    SELECT r.id FROM job r JOIN job j ON j.id = r.run_of
      WHERE r.role = 'run' AND j.role = 'replicated' AND r.status = 'pending' AND j.status NOT IN ('pending', 'running')`,
  'an owner has more than one run of a job': `
    SELECT r.run_of FROM job r JOIN miner m ON m.id = r.miner_id WHERE r.status IN ('running', 'completed')
      AND r.run_of IS NOT NULL GROUP BY r.run_of, m.operator_id HAVING count(*) > 1`,
  'the counter of verifications is off': `
    SELECT name FROM counter WHERE name = 'verifications.open' AND value <>
      (SELECT count(*) FROM verification WHERE state <> 'ended')`,
  'a draw counts its answers wrong': `
    SELECT d.height FROM draw d WHERE d.open <>
      (SELECT count(*) FROM verification v WHERE v.draw = d.height AND v.state <> 'ended')`,
  'an ended verification is not in the ledger, or another one is': `
    SELECT v.id FROM verification v LEFT JOIN entry e ON e.id = v.id AND e.type = 'verification'
      WHERE (v.state = 'ended') <> (e.id IS NOT NULL)`,
  'an answer counts more than once for its miner': `
    SELECT receipt_id FROM verification WHERE counts = 1 GROUP BY receipt_id HAVING count(*) > 1`,
  'the evidence of a miner is not what its verifications say': `
    SELECT r.id FROM evidence r WHERE
      r.consistent <> (SELECT count(*) FROM verification v WHERE v.miner_id = r.miner_id AND v.passport = r.passport
        AND v.counts = 1 AND v.judgement = 'consistent') OR
      r.accused <> (SELECT count(*) FROM verification v WHERE v.miner_id = r.miner_id AND v.passport = r.passport
        AND v.counts = 1 AND v.judgement = 'accused') OR
      r.inconclusive <> (SELECT count(*) FROM verification v WHERE v.miner_id = r.miner_id AND v.passport = r.passport
        AND v.judgement = 'inconclusive')`,
  'a failed job does not say why': `
    SELECT id FROM job WHERE (status = 'failed') <> (error_code IS NOT NULL)`,
};

/** Every broken invariant with what breaks it; empty when all is well. */
export async function violations(db: Db): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(QUERIES).map(async ([what, query]) => {
      const { rows } = await sql.raw<object>(query).execute(db);
      return rows.map(row => `${what}: ${Object.values(row).join(', ')}`);
    }),
  );
  return found.flat();
}

/** Receipts that do not verify, or speak of another job than they stand with. `after` leaves out places up to it. */
export async function falseReceipts(db: Db, keys: readonly PublicKey[], after = -1): Promise<string[]> {
  const rows = await db
    .selectFrom('entry')
    .selectAll()
    .where('type', '=', 'receipt')
    .where('leaf_index', '>', after)
    .execute();
  const wrong = await Promise.all(
    rows.map(async ({ id, job_id, body }) => {
      const receipt = JSON.parse(body);
      const { valid } = await verifyReceipt(receipt, { keys: [...keys] });
      return valid && receipt.receipt_id === id && receipt.job_id === job_id ? [] : [id];
    }),
  );
  return wrong.flat();
}
