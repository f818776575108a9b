import { LIMITS, type MinerNotice, type NewNotice, type Notice } from '@aitbc/protocol';
import { requireAddress } from '../accounts/accounts.ts';
import type { OnceOutput } from '../accounts/idempotency.ts';
import type { Principal } from '../accounts/keys.ts';
import type { Repeats, Replayable } from '../accounts/repeats.ts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import { isoTime } from '../store/numbers.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { CreateNoticeInput } from './operations.ts';

/** A miner as notices are addressed to it. */
export interface Addressee {
  id: string;
  /** The address of its owner's account, if known. */
  owner_address: string | null;
}

/** Each method throws RequestError. */
export interface NoticeService {
  /** Creates a notice. A repeated request with the same idempotency key returns the first notice. */
  create(
    principal: Principal,
    actor: Actor,
    notice: NewNotice,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<Notice>>;
  /** Returns the notices that have not expired, oldest first. */
  list(): Promise<Notice[]>;
  remove(actor: Actor, id: string): Promise<void>;
  /**
   * Returns the notices for a miner. They may be a second old.
   *
   * @param version the version of the miner's agent, if it tells it
   */
  forMiner(miner: Addressee, version: string | undefined): Promise<MinerNotice[]>;
}

export interface NoticeOptions {
  store: Store;
  ids: Ids;
  now: () => number;
  repeats: Repeats;
  operations: {
    createNotice: Operation<CreateNoticeInput, OnceOutput>;
    deleteNotice: Operation<{ id: string; actor: Actor }, undefined>;
  };
}

/** How long notices are kept in memory, so that miners that claim all the time do not read them all the time. */
const KEPT_MS = 1_000;

export function createNotices({ store, ids, now, repeats, operations }: NoticeOptions): NoticeService {
  let kept: Promise<Row<'notice'>[]> | undefined;
  let keptUntil = 0;

  const read = () =>
    store.read.selectFrom('notice').selectAll().orderBy('id').limit(LIMITS.notices).execute();

  const find = async (id: string): Promise<Row<'notice'>> =>
    (await store.read.selectFrom('notice').selectAll().where('id', '=', id).executeTakeFirst()) ??
    fail('NOTICE_NOT_FOUND', 'There is no such notice');

  function recent() {
    if (kept && performance.now() < keptUntil) return kept;
    const reading = read();
    reading.catch(() => {
      if (kept === reading) kept = undefined;
    });
    [kept, keptUntil] = [reading, performance.now() + KEPT_MS];
    return reading;
  }

  const current = (rows: readonly Row<'notice'>[]) => rows.filter(({ expires_at }) => expires_at > now());

  return {
    async create({ accountId }, actor, request, idempotencyKey) {
      const { text, miner, owner, below_version, valid_seconds = LIMITS.noticeSeconds } = request;
      if (owner !== undefined) requireAddress(owner, 'owner');
      const created_at = now();
      const row = {
        ...{ id: ids.next('notice'), text, created_at, expires_at: created_at + valid_seconds * 1000 },
        ...{ miner: miner ?? null, owner: owner ?? null, below_version: below_version ?? null },
      };
      const { repeatable } = repeats(accountId, ['createNotice', request], idempotencyKey);
      const { id, replayed } = unwrap(await store.write(operations.createNotice, { row, actor, repeatable }));
      kept = undefined;
      return { answer: toNotice(replayed ? await find(id) : row), replayed };
    },
    async list() {
      return current(await read()).map(toNotice);
    },
    async remove(actor, id) {
      unwrap(await store.write(operations.deleteNotice, { id, actor }));
      kept = undefined;
    },
    async forMiner(miner, version) {
      return current(await recent())
        .filter(notice => isFor(notice, miner, version))
        .map(({ id, text, created_at }) => ({ id, text, created_at: isoTime(created_at) }));
    },
  };
}

function isFor(
  notice: Row<'notice'>,
  { id, owner_address }: Addressee,
  version: string | undefined,
): boolean {
  if (notice.miner !== null && notice.miner !== id) return false;
  if (notice.owner !== null && notice.owner !== owner_address) return false;
  return notice.below_version === null || version === undefined || isBelow(version, notice.below_version);
}

/** Whether a version comes before another, each of three numbers. */
function isBelow(version: string, other: string): boolean {
  const [one, two] = [version, other].map(text => text.split('.').map(Number));
  for (const [index, part] of (two ?? []).entries()) {
    const own = one?.[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

const toNotice = ({ created_at, expires_at, ...notice }: Row<'notice'>): Notice => ({
  ...notice,
  created_at: isoTime(created_at),
  expires_at: isoTime(expires_at),
});
