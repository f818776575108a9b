import { isEcho, scoreAnswer } from '@aitbc/evidence';
import type {
  AppealVerification,
  ClaimVerification,
  DisclosedScores,
  Draw,
  FinishReason,
  Judgement,
  MinerEvidence,
  PassportStatement,
  PublishedVerification,
  Receipt,
  VerificationOutcome,
  VerificationRule,
  VerificationScores,
  VerificationStatement,
  VerificationTask,
  VerifierEngine,
} from '@aitbc/protocol';
import { LIMITS, VERIFICATION_RULES } from '@aitbc/protocol';
import { canonicalJson, scoresHash } from '@aitbc/receipts';
import { accountScope, type Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import { askedIn } from '../jobs/content.ts';
import { LONGEST_TOKEN_BYTES } from '../jobs/requirements.ts';
import type { PublicLedger } from '../ledger/ledger.ts';
import { parseJsonObject } from '../store/json.ts';
import { isoTime } from '../store/numbers.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { AppealInput } from './appeal.ts';
import { type DrawStep, drawNext, temperatureIn } from './draw-answers.ts';
import { toRecord } from './end-verifications.ts';
import type { VerificationConfig } from './options.ts';
import {
  type AnswerTexts,
  findClient,
  findOwner,
  findScores,
  findStatement,
  findVerification,
  listDraws,
  listEnded,
  listRecords,
  readTexts,
} from './queries.ts';
import type { ReturnInput } from './return-verifications.ts';
import type { Scored, ScoresInput } from './submit-scores.ts';
import type { VerificationRow, Verifier } from './verification.ts';
import type { Wakes } from './wakes.ts';

export interface VerificationServiceOptions {
  config: VerificationConfig & { maxWaitSeconds: number };
  store: Store;
  ids: Ids;
  now: () => number;
  ledger: PublicLedger;
  wakes: Wakes;
  operations: {
    storeDraw: Operation<DrawStep, undefined>;
    claimVerifications: Operation<Verifier, VerificationRow | undefined>;
    submitScores: Operation<ScoresInput, Scored>;
    returnVerifications: Operation<ReturnInput, Scored>;
    sweepVerifications: Operation<{ seed: string }, { more: boolean }>;
    appealVerifications: Operation<AppealInput, string>;
  };
}

const HOUR_MS = 3600 * 1000;

/** How many answers whose texts are gone one claim passes over. */
const MAX_ERASED = 20;

export type VerificationService = ReturnType<typeof createVerificationService>;

/** Each method throws RequestError. */
export function createVerificationService(options: VerificationServiceOptions) {
  const { config, store, ids, now, ledger, wakes, operations } = options;

  /** Leases the next answer whose texts are there. */
  async function claimNow(verifier: Verifier): Promise<VerificationTask | undefined> {
    for (let passed = 0; passed < MAX_ERASED; passed++) {
      const row = unwrap(await store.write(operations.claimVerifications, verifier));
      if (!row) return undefined;
      const texts = await readTexts(store.read, row);
      if (texts) return toTask(row, texts);
      const { accountId, verifierId } = verifier;
      const holder = { id: row.id, accountId, verifierId, nonce: ids.hex(16) };
      unwrap(await store.write(operations.returnVerifications, { ...holder, reason: 'erased' }));
    }
    return undefined;
  }

  async function findEnded(id: string) {
    const entry = await findStatement(store.read, id);
    return entry ?? fail('VERIFICATION_NOT_FOUND', 'There is no such verification that has ended');
  }

  return {
    /** Draws from the next published answers. Resolves with whether there are more. */
    async draw(): Promise<boolean> {
      if (config.verifyShare === 0) return false;
      return await drawNext({
        ...{ store, ids, now, share: config.verifyShare, waitMs: config.verifyWaitHours * HOUR_MS },
        ...{ keys: ledger.keys, latest: ledger.latest, storeDraw: operations.storeDraw },
      });
    },

    async sweep(): Promise<boolean> {
      return unwrap(await store.write(operations.sweepVerifications, { seed: ids.hex(16) })).more;
    },

    /** Leases the next answer to a verifier. Waits for one until `gone` aborts. */
    async claim(
      principal: Principal,
      { verifier_id, weights, engine, wait = 0 }: ClaimVerification,
      gone: AbortSignal,
    ): Promise<VerificationTask | undefined> {
      const own = isOwn(principal);
      const verifier = {
        ...{ accountId: principal.accountId, verifierId: verifier_id, own, weights },
        engine: engineText(engine),
      };
      const until = performance.now() + Math.min(wait, config.maxWaitSeconds) * 1000;
      for (;;) {
        const woken = wakes.next(gone);
        const task = await claimNow(verifier);
        const leftMs = until - performance.now();
        if (task || leftMs <= 0 || gone.aborted || wakes.closed) return task;
        await woken(leftMs);
      }
    },

    /** Stores a verifier's scores. Repeating them answers the same. */
    async submit(
      principal: Principal,
      id: string,
      request: VerificationScores,
    ): Promise<VerificationOutcome> {
      const { verifier_id: verifierId, tokens, engine } = request;
      const row = await findVerification(store.read, id);
      if (!row) return fail('VERIFICATION_NOT_FOUND', 'There is no such verification');
      const holder = { id, accountId: principal.accountId, verifierId };
      if (row.verifier_account !== holder.accountId || row.verifier_id !== verifierId)
        fail('VERIFICATION_NOT_LEASED', `The verifier ${verifierId} does not hold this verification`);
      const texts = await readTexts(store.read, row);
      if (!texts && row.state !== 'ended') {
        const returned = { ...holder, nonce: ids.hex(16), reason: 'erased' as const };
        return toOutcome(id, unwrap(await store.write(operations.returnVerifications, returned)));
      }
      if (texts) requirePlausible(tokens.length, texts);
      const salt = ids.hex(16);
      const scored = await store.write(operations.submitScores, {
        ...{ ...holder, engine: engineText(engine), salt, nonce: ids.hex(16), nextId: ids.next('ver') },
        ...scoreOf(tokens, texts),
        scoresHash: scoresHash(salt, tokens),
        tokens: canonicalJson(tokens),
      });
      return toOutcome(id, unwrap(scored));
    },

    async giveUp(principal: Principal, id: string, verifierId: string): Promise<VerificationOutcome> {
      const holder = { id, accountId: principal.accountId, verifierId, nonce: ids.hex(16) };
      return toOutcome(id, unwrap(await store.write(operations.returnVerifications, holder)));
    },

    async get(id: string): Promise<PublishedVerification> {
      const entry = await findEnded(id);
      return { statement: JSON.parse(entry.body), inclusion: await ledger.inclusion(entry) };
    },

    async proof(id: string): Promise<string> {
      const proof = await ledger.tlogProof(await findEnded(id));
      if (proof !== null) return proof;
      fail('VERIFICATION_NOT_FOUND', 'The ledger has not published this verification yet', { retryAfter: 1 });
    },

    /** Discloses the numbers of all tokens to the miner's owner, the job's client and administrators. */
    async scores(principal: Principal, id: string): Promise<DisclosedScores> {
      const statement = JSON.parse((await findEnded(id)).body) as VerificationStatement;
      const [scores, owner, client] = await Promise.all([
        findScores(store.read, id),
        findOwner(store.read, statement.miner_id),
        findClient(store.read, statement.job_id),
      ]);
      const account = accountScope(principal);
      if (!scores || (account !== null && account !== owner?.owner_id && account !== client))
        return fail('VERIFICATION_NOT_FOUND', 'There are no numbers of this verification that you may see');
      return { verification_id: id, salt: scores.salt, tokens: JSON.parse(scores.tokens) };
    },

    /** Has another verifier read the answer again, for the owner of the miner. Returns the id of that verification. */
    async appeal(
      principal: Principal,
      id: string,
      { reason }: AppealVerification,
    ): Promise<VerificationOutcome> {
      const row = await findVerification(store.read, id);
      if (row?.state !== 'ended')
        return fail('VERIFICATION_NOT_FOUND', 'There is no such verification that has ended');
      const owner = await findOwner(store.read, row.miner_id);
      const account = accountScope(principal);
      if (account !== null && owner?.owner_id !== account)
        fail('VERIFICATION_NOT_APPEALABLE', 'Only the owner of the miner can appeal');
      if (!(await readTexts(store.read, row)))
        fail('VERIFICATION_NOT_APPEALABLE', 'Prompt and answer are erased, so nobody can read them again');
      const appealId = unwrap(
        await store.write(operations.appealVerifications, { id, appealId: ids.next('ver'), reason }),
      );
      return { verification_id: appealId, status: 'waiting', judgement: null };
    },

    async list(page: {
      limit: number;
      before: string | undefined;
      miner: string | undefined;
      judgement: Judgement | undefined;
    }): Promise<{ verifications: VerificationStatement[]; next: string | undefined }> {
      const rows = await listEnded(store.read, page);
      const next = rows.length < page.limit ? undefined : rows.at(-1)?.id;
      return { verifications: rows.map(({ body }) => JSON.parse(body)), next };
    },

    async board(page: {
      limit: number;
      after: string | undefined;
      miner: string | undefined;
    }): Promise<{ records: MinerEvidence[]; next: string | undefined }> {
      const rows = await listRecords(store.read, page);
      const next = rows.length < page.limit ? undefined : rows.at(-1)?.id;
      return { records: rows.map(toEvidence), next };
    },

    async draws(page: {
      limit: number;
      before: number | undefined;
    }): Promise<{ draws: Draw[]; next: number | undefined }> {
      const rows = await listDraws(store.read, page);
      return { draws: rows.map(toDraw), next: rows.length < page.limit ? undefined : rows.at(-1)?.height };
    },
  };
}

const isOwn = ({ scopes }: Principal) => scopes.has('verifier') || scopes.has('admin');

const engineText = ({ name, build }: VerifierEngine) => `${name} ${build}`;

const toOutcome = (verification_id: string, { status, judgement }: Scored): VerificationOutcome => ({
  ...{ verification_id, status, judgement },
});

function toTask(row: VerificationRow, texts: AnswerTexts): VerificationTask {
  const { prompt, kind, own, result, finish_reason, parameters } = texts;
  const passport = (texts.passport_body && parseJsonObject(texts.passport_body)) as
    | PassportStatement
    | undefined;
  const { metadata } = JSON.parse(texts.receipt) as Receipt;
  const rendered = metadata.rendered_prompt_hash;
  return {
    verification_id: row.id,
    model: row.model,
    weights: row.weights ?? '',
    request: { prompt, ...askedIn({ kind, text: prompt, own }) },
    answer: {
      text: result,
      finish_reason: finish_reason as FinishReason | null,
      // With stop sequences, one of them may have ended it.
      ended: finish_reason === 'stop' && !('stop' in (parseJsonObject(texts.params) ?? {})),
    },
    parameters: parameters === null ? {} : (parseJsonObject(parameters) ?? {}),
    rendered_prompt_hash: typeof rendered === 'string' ? rendered : null,
    salt: texts.salt,
    chat_template: passport?.chat_template?.value ?? null,
    rules: [...VERIFICATION_RULES],
    lease_expires_at: isoTime(row.lease_expires_at ?? 0),
  };
}

/** Each token has at least one byte, and at most those of the longest one; one token may end the answer. */
function requirePlausible(count: number, { result }: AnswerTexts): void {
  const bytes = Buffer.byteLength(result);
  const least = Math.min(Math.ceil(bytes / LONGEST_TOKEN_BYTES), LIMITS.verificationTokens);
  if (count >= least && count <= bytes + 1) return;
  fail('VALIDATION_OUT_OF_RANGE', `An answer of ${bytes} bytes does not have ${count} tokens`, {
    field: 'tokens',
  });
}

/** An answer that echoes its prompt is likely under any model, so it is not judged alone; its numbers count. */
function scoreOf(tokens: VerificationScores['tokens'], texts: AnswerTexts | undefined) {
  const temperature = temperatureIn(texts?.parameters ?? null) ?? 1;
  const score = scoreAnswer(tokens, { temperature });
  const rule: VerificationRule = score.rule;
  const isCopied = texts !== undefined && isEcho(texts.prompt, texts.result);
  return isCopied
    ? { score: { ...score, rule, judgement: 'inconclusive' as const }, reason: 'echo' as const }
    : { score: { ...score, rule }, reason: 'too_short' as const };
}

function toEvidence(row: Row<'evidence'>): MinerEvidence {
  const { state } = toRecord(row);
  return {
    miner_id: row.miner_id,
    passport: row.passport,
    model: row.model,
    judgement: state.judgement,
    e_value: state.e_value,
    answers: state.answers,
    ...{ consistent: row.consistent, accused: row.accused, inconclusive: row.inconclusive },
    ...{ tokens: row.tokens, accusations: row.accusations },
    accused_at: row.accused_at === null ? null : isoTime(row.accused_at),
    accused_by: row.accused_by,
    updated_at: isoTime(row.updated_at),
  };
}

const toDraw = (row: Row<'draw'>): Draw => ({
  ...{ size: row.size, from: row.from_index, root: row.root, share: row.share },
  public_key: row.public_key,
  proof: row.revealed_at === null ? null : row.proof,
  created_at: isoTime(row.created_at),
});
