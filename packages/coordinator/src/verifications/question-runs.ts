import { differenceId } from '../jobs/replication/question-differences.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { temperatureIn, weightsIn } from './draw-answers.ts';
import { newVerification } from './verification.ts';

/** How long a difference waits for a verifier. */
const WAIT_MS = 24 * 3600 * 1000;

const ANY_VERIFIER = 'SELECT id FROM verifier LIMIT 1';

/** Has verifiers read runs whose results differ, where there are verifiers and passports that name the weights. */
export async function questionRuns(runs: readonly Row<'job'>[], context: WriteContext): Promise<void> {
  const { tx, now, emit } = context;
  if ((await tx.query<{ id: string }>(['verifier'], ANY_VERIFIER, [])).length === 0) return;
  const ids = runs.map(({ id }) => id);
  const [inputs, outputs, miners, passports, known, parents] = await Promise.all([
    tx.load('job_input', 'job_id', ids),
    tx.load('job_output', 'job_id', ids),
    tx.load('miner', 'id', [...new Set(runs.flatMap(({ miner_id }) => miner_id ?? []))]),
    tx.load('passport', 'id', [...new Set(runs.flatMap(({ passport }) => passport ?? []))]),
    tx.load('verification', 'id', ids.map(differenceId)),
    tx.load('job', 'id', [...new Set(runs.flatMap(({ run_of }) => run_of ?? []))]),
  ]);
  const input = new Map(inputs.map(row => [row.job_id, row]));
  const output = new Map(outputs.map(row => [row.job_id, row]));
  const operator = new Map(miners.map(row => [row.id, row.operator_id]));
  const statement = new Map(passports.map(row => [row.id, row.body]));
  const isChecked = new Set(parents.flatMap(({ id, role }) => (role === 'ordinary' ? [id] : [])));
  const isKnown = new Set(known.map(({ id }) => id));
  const rows = runs.flatMap(run => {
    const { id, receipt_id, miner_id, passport, model, completed_at } = run;
    const texts = { input: input.get(id), output: output.get(id) };
    const weights = weightsIn(statement.get(passport ?? '') ?? null);
    const isScorable = texts.output?.type === 'text' && temperatureIn(texts.output.parameters) !== undefined;
    if (!texts.input || !isScorable || !receipt_id || !miner_id || !passport || !weights) return [];
    if (isKnown.has(differenceId(id))) return [];
    const subject = {
      ...{ job_id: id, receipt_id, miner_id, operator_id: operator.get(miner_id) ?? 0, model },
      ...{ passport, weights, answered_at: completed_at ?? now, consent: texts.input.consent ?? 0 },
    };
    const row = newVerification({
      ...{ id: differenceId(id), cause: 'difference', subject, now, waitMs: WAIT_MS },
    });
    // Nobody else wants the text of a spot check.
    return [{ ...row, erase: isChecked.has(run.run_of ?? '') ? 1 : 0 }];
  });
  if (rows.length === 0) return;
  await tx.insert('verification', rows);
  await tx.add('counter', [{ name: 'verifications.open', value: rows.length }]);
  emit({ type: 'verifications.waiting' });
}
