import type { InconclusiveReason, PassportStatement, Receipt } from '@aitbc/protocol';
import { drawInput, isDrawn } from '@aitbc/receipts';
import type { Issuer } from '../define-module.ts';
import type { Ids } from '../ids.ts';
import type { LogKeys } from '../ledger/log-key.ts';
import { parseJsonObject } from '../store/json.ts';
import { done, type Operation } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { type Ending, endVerifications } from './end-verifications.ts';
import { type DrawnAnswer, readAnsweredJobs, readCheckpoint, readEntries, readLastDraw } from './queries.ts';
import { newVerification, type VerificationRow } from './verification.ts';

/*
 * Each published tree has a draw: the output of a verifiable random function over its root decides which of its new
 * receipts are verified. Nobody can foresee it, since the root is known only when the answers are committed, and the proof
 * shows later that the operator has not chosen. `from` and `size` of the draws leave out no entry.
 */

/** How many entries are drawn from in one write. */
const ENTRIES_AT_ONCE = 1_024;

/** Trees that were published longer ago are not drawn from, such as those of the time in which the share was 0. */
const LATEST_MS = 24 * 3600 * 1000;

/** One step of a draw: the rows that it adds, and how far it is after it. */
export interface DrawStep {
  /** The row of the draw after this step. */
  draw: Row<'draw'>;
  /** `next_index` before the step; undefined where the step begins the draw. */
  before: number | undefined;
  waiting: readonly VerificationRow[];
  ended: readonly Ending[];
}

export interface DrawOptions {
  store: Store;
  ids: Ids;
  keys: Pick<LogKeys, 'origin' | 'draws'>;
  latest(): Promise<Row<'checkpoint'> | undefined>;
  now: () => number;
  share: number;
  waitMs: number;
  storeDraw: Operation<DrawStep, undefined>;
}

/**
 * Draws from the next published entries. All is read and computed outside of the transaction, which stores it only where no
 * other process was faster.
 *
 * @returns whether there is more to draw from
 */
export async function drawNext(options: DrawOptions): Promise<boolean> {
  const { store, storeDraw } = options;
  const last = await readLastDraw(store.read);
  const step =
    last && last.next_index < last.size ? await continueDraw(last, options) : await beginDraw(last, options);
  if (!step) return false;
  await store.write(storeDraw, step);
  return true;
}

async function beginDraw(
  last: Row<'draw'> | undefined,
  { store, keys, latest, now, share }: DrawOptions,
): Promise<DrawStep | undefined> {
  const newest = await latest();
  if (!newest || newest.height === last?.height) return undefined;
  const next = last && (await readCheckpoint(store.read, last.height + 1));
  const isContinued = next !== undefined && now() - next.published_at < LATEST_MS;
  // The first draw has no entries: it marks where drawing begins.
  const checkpoint = isContinued ? next : newest;
  const from = isContinued && last ? last.size : newest.size;
  const { proof } = keys.draws.prove(drawInput(keys.origin, checkpoint.size, checkpoint.root));
  const draw = {
    ...{ height: checkpoint.height, from_index: from, size: checkpoint.size, next_index: from },
    ...{ root: checkpoint.root, share, public_key: keys.draws.keyId },
    ...{ proof: Buffer.from(proof).toString('hex'), open: 0, created_at: now(), revealed_at: null },
  };
  return { draw, before: undefined, waiting: [], ended: [] };
}

async function continueDraw(draw: Row<'draw'>, options: DrawOptions): Promise<DrawStep> {
  const { store, keys, now, waitMs, ids } = options;
  const count = Math.min(ENTRIES_AT_ONCE, draw.size - draw.next_index);
  const entries = await readEntries(store.read, draw.next_index, count);
  const { output } = keys.draws.prove(drawInput(keys.origin, draw.size, draw.root));
  const drawn = entries.filter(({ type, hash }) => type === 'receipt' && isDrawn(output, hash, draw.share));
  const jobs = await readAnsweredJobs(
    store.read,
    drawn.map(({ id }) => id),
  );
  const rows = jobs.flatMap(job => {
    if (!isWithPassport(job)) return [];
    const subject = subjectOf(job);
    const id = ids.next('ver');
    const row = newVerification({ id, cause: 'drawn', subject, now: now(), waitMs });
    return [{ row: { ...row, draw: draw.height }, reason: whyNot(job) }];
  });
  const waiting = rows.flatMap(({ row, reason }) => (reason ? [] : [row]));
  const ended = rows.flatMap(({ row, reason }): Ending[] =>
    reason ? [{ row, nonce: ids.hex(16), judgement: 'inconclusive', reason, counts: false }] : [],
  );
  const after = { ...draw, next_index: draw.next_index + count, open: draw.open + rows.length };
  return { draw: after, before: draw.next_index, waiting, ended };
}

/** Only receipts of finished answers of miners with a passport are verified. What decides it is in the receipt. */
function isWithPassport({ body }: DrawnAnswer): boolean {
  const { metadata } = JSON.parse(body) as Receipt;
  return typeof metadata.passport === 'string' && metadata.status === undefined;
}

export const weightsIn = (passportBody: string | null): string | null => {
  const statement = passportBody === null ? undefined : (parseJsonObject(passportBody) as PassportStatement);
  return statement?.weights?.value ?? null;
};

const subjectOf = (job: DrawnAnswer) => ({
  job_id: job.job_id,
  receipt_id: job.receipt_id,
  miner_id: job.miner_id,
  operator_id: job.operator_id,
  model: job.model,
  passport: job.passport ?? '',
  weights: weightsIn(job.passport_body),
  answered_at: job.completed_at ?? 0,
  consent: job.consent ?? 0,
});

/** Returns why an answer can not be verified, or undefined if it can. */
function whyNot(job: DrawnAnswer): InconclusiveReason | undefined {
  if (job.kind === null || job.output_id === null) return 'erased';
  if (!isText(job)) return 'not_text';
  if (weightsIn(job.passport_body) === null) return 'no_weights';
  return temperatureIn(job.parameters) === undefined ? 'no_parameters' : undefined;
}

/** Parameters that change what the engine reads or draws from in ways that a verifier does not know. */
const UNKNOWN = [
  ...(['raw', 'template', 'suffix', 'think', 'chat_template_kwargs', 'logit_bias'] as const),
  ...(['grammar', 'json_schema', 'guided_json', 'guided_regex', 'format', 'response_format'] as const),
];

/** Whether the answer is plain text: without tools, images, a grammar and hidden reasoning. `own` has tools and formats. */
function isText({ kind, own, type, details, params }: DrawnAnswer): boolean {
  if (kind === 'embedding' || own !== null || type !== 'text') return false;
  if (details !== null && 'reasoning' in (parseJsonObject(details) ?? {})) return false;
  const given = params === null ? {} : (parseJsonObject(params) ?? {});
  return !UNKNOWN.some(name => name in given);
}

/** Returns the temperature at which an answer was sampled, or undefined if the miner did not tell. */
export function temperatureIn(parameters: string | null): number | undefined {
  const temperature = parameters === null ? undefined : parseJsonObject(parameters)?.temperature;
  return typeof temperature === 'number' ? temperature : undefined;
}

/** Stores a step of a draw, unless another process has. */
export const storeDraw = (issuer: Issuer): Operation<DrawStep, undefined> => ({
  name: 'verifications.draw',
  async apply(inputs, context) {
    const { tx, emit } = context;
    for (const { draw, before, waiting, ended } of inputs) {
      const [known] = await tx.load('draw', 'height', [draw.height]);
      if (known?.next_index !== before) continue;
      await tx.upsert('draw', [draw]);
      const rows = [...waiting, ...ended.map(({ row }) => row)];
      await tx.insert('verification', rows);
      await tx.add('counter', [{ name: 'verifications.open', value: rows.length }]);
      await endVerifications(ended, issuer, context);
      if (waiting.length > 0) emit({ type: 'verifications.waiting' });
    }
    return inputs.map(() => done(undefined));
  },
});
