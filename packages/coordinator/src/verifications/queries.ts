import type { Judgement } from '@aitbc/protocol';
import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import type { VerificationRow } from './verification.ts';

type Db = Kysely<DatabaseSchema>;

export async function readLastDraw(db: Db): Promise<Row<'draw'> | undefined> {
  return await db.selectFrom('draw').selectAll().orderBy('height', 'desc').limit(1).executeTakeFirst();
}

export async function readCheckpoint(db: Db, height: number): Promise<Row<'checkpoint'> | undefined> {
  return await db.selectFrom('checkpoint').selectAll().where('height', '=', height).executeTakeFirst();
}

export type DrawableEntry = Pick<Row<'entry'>, 'leaf_index' | 'id' | 'type' | 'job_id' | 'hash'>;

/** Returns the entries of a range of the ledger without their bodies. */
export async function readEntries(db: Db, from: number, limit: number): Promise<DrawableEntry[]> {
  return await db
    .selectFrom('entry')
    .select(['leaf_index', 'id', 'type', 'job_id', 'hash'])
    .where('leaf_index', '>=', from)
    .orderBy('leaf_index')
    .limit(limit)
    .execute();
}

/** A drawn answer with what decides whether it can be verified. Texts are not read. */
export interface DrawnAnswer {
  leaf_index: number;
  receipt_id: string;
  body: string;
  job_id: string;
  model: string;
  miner_id: string;
  operator_id: number;
  passport: string | null;
  completed_at: number | null;
  passport_body: string | null;
  /** Null where the text was erased. */
  kind: string | null;
  consent: number | null;
  params: string | null;
  own: string | null;
  type: string | null;
  details: string | null;
  parameters: string | null;
  output_id: string | null;
}

/** Returns the completed jobs of receipts, by the places of these in the ledger. */
export async function readAnsweredJobs(db: Db, receiptIds: readonly string[]): Promise<DrawnAnswer[]> {
  if (receiptIds.length === 0) return [];
  return await db
    .selectFrom('entry')
    .innerJoin('job', 'job.id', 'entry.job_id')
    .innerJoin('miner', 'miner.id', 'job.miner_id')
    .leftJoin('passport', 'passport.id', 'job.passport')
    .leftJoin('job_input', 'job_input.job_id', 'job.id')
    .leftJoin('job_output', 'job_output.job_id', 'job.id')
    .where('entry.id', 'in', receiptIds)
    .where('job.status', '=', 'completed')
    .select(['entry.leaf_index', 'entry.id as receipt_id', 'entry.body', 'job.id as job_id', 'job.model'])
    .select(['miner.id as miner_id', 'miner.operator_id', 'job.passport', 'job.completed_at'])
    .select(['passport.body as passport_body', 'job_input.kind', 'job_input.consent', 'job_input.params'])
    .select(['job_input.own', 'job_output.type', 'job_output.details', 'job_output.parameters'])
    .select('job_output.job_id as output_id')
    .orderBy('entry.leaf_index')
    .execute();
}

/** The texts of an answer. */
export interface AnswerTexts {
  prompt: string;
  kind: Row<'job_input'>['kind'];
  own: string | null;
  params: string;
  result: string;
  finish_reason: string | null;
  parameters: string | null;
  passport_body: string | null;
  receipt: string;
  salt: string;
}

/** Returns prompt and answer of a verification, or undefined where they are erased. */
export async function readTexts(
  db: Db,
  { job_id, receipt_id }: Pick<VerificationRow, 'job_id' | 'receipt_id'>,
): Promise<AnswerTexts | undefined> {
  return await db
    .selectFrom('job')
    .innerJoin('job_input', 'job_input.job_id', 'job.id')
    .innerJoin('job_output', 'job_output.job_id', 'job.id')
    .innerJoin('entry', join => join.onRef('entry.job_id', '=', 'job.id').on('entry.id', '=', receipt_id))
    .leftJoin('passport', 'passport.id', 'job.passport')
    .where('job.id', '=', job_id)
    .select(['job_input.prompt', 'job_input.kind', 'job_input.own', 'job_input.params', 'job_output.result'])
    .select(['job_output.finish_reason', 'job_output.parameters', 'passport.body as passport_body'])
    .select(['entry.body as receipt', 'job.salt'])
    .executeTakeFirst();
}

export async function findVerification(db: Db, id: string): Promise<VerificationRow | undefined> {
  return await db.selectFrom('verification').selectAll().where('id', '=', id).executeTakeFirst();
}

export type FoundEntry = Pick<Row<'entry'>, 'id' | 'type' | 'leaf_index' | 'body'>;

export async function findStatement(db: Db, id: string): Promise<FoundEntry | undefined> {
  const row = await db
    .selectFrom('entry')
    .select(['id', 'type', 'leaf_index', 'body'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.type === 'verification' ? row : undefined;
}

/** Lists ended verifications, newest first, with their statements. */
export async function listEnded(
  db: Db,
  filter: {
    miner: string | undefined;
    judgement: Judgement | undefined;
    before: string | undefined;
    limit: number;
  },
): Promise<{ id: string; body: string }[]> {
  let page = db.selectFrom('verification').select('id').where('state', '=', 'ended');
  if (filter.miner !== undefined) page = page.where('miner_id', '=', filter.miner);
  if (filter.judgement !== undefined) page = page.where('judgement', '=', filter.judgement);
  if (filter.before !== undefined) page = page.where('id', '<', filter.before);
  const ids = (await page.orderBy('id', 'desc').limit(filter.limit).execute()).map(({ id }) => id);
  if (ids.length === 0) return [];
  return await db
    .selectFrom('entry')
    .select(['id', 'body'])
    .where('id', 'in', ids)
    .orderBy('id', 'desc')
    .execute();
}

export async function listRecords(
  db: Db,
  { miner, after, limit }: { miner: string | undefined; after: string | undefined; limit: number },
): Promise<Row<'evidence'>[]> {
  let page = db.selectFrom('evidence').selectAll();
  // Ids begin with the miner's id, so that the rows of one miner are neighbours.
  if (miner !== undefined) page = page.where('id', '>', `${miner}/`).where('id', '<', `${miner}0`);
  if (after !== undefined) page = page.where('id', '>', after);
  return await page.orderBy('id').limit(limit).execute();
}

export async function listDraws(
  db: Db,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<Row<'draw'>[]> {
  let page = db.selectFrom('draw').selectAll();
  if (before !== undefined) page = page.where('height', '<', before);
  return await page.orderBy('height', 'desc').limit(limit).execute();
}

export async function findScores(db: Db, id: string): Promise<Row<'verification_scores'> | undefined> {
  return await db.selectFrom('verification_scores').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findOwner(
  db: Db,
  minerId: string,
): Promise<Pick<Row<'miner'>, 'owner_id' | 'operator_id'> | undefined> {
  return await db
    .selectFrom('miner')
    .select(['owner_id', 'operator_id'])
    .where('id', '=', minerId)
    .executeTakeFirst();
}

/** Returns the account of a job's client. */
export async function findClient(db: Db, jobId: string): Promise<number | undefined> {
  const job = await db.selectFrom('job').select('account_id').where('id', '=', jobId).executeTakeFirst();
  return job?.account_id;
}
