import { LIMITS } from '@aitbc/protocol';
import { findAccountId, requireAddress } from '../accounts/accounts.ts';
import { accountScope, type Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { findAddresses, REPORTS, type ReportTable, sumUp } from './queries.ts';

/** A request for sums. */
export interface ReportRequest {
  /** `YYYY-MM-DD` in UTC. */
  from?: string;
  to?: string;
  /** Names of groups, separated by commas. */
  group_by?: string;
  account?: string;
  /** Values that rows must have, by the name of the group. */
  only: Readonly<Record<string, string | undefined>>;
  cursor?: string;
  limit: number;
}

export type ReportRow = Record<string, string | number | null>;

export interface ReportPage {
  rows: ReportRow[];
  columns: string[];
  next: string | undefined;
}

/** Sums of usage and of earnings. Callers see those of their account, administrators all. Throws RequestError. */
export interface Reports {
  usage(principal: Principal, request: ReportRequest): Promise<ReportPage>;
  earnings(principal: Principal, request: ReportRequest): Promise<ReportPage>;
}

const DAY_MS = 24 * 3600 * 1000;

/** The names that groups have in answers. */
const NAMES: Readonly<Record<string, string>> = {
  day: 'day',
  account: 'account',
  key: 'key_id',
  miner: 'miner_id',
  model: 'model',
};

export function createReports({ store, now }: { store: Pick<Store, 'read'>; now: () => number }): Reports {
  async function report(
    table: ReportTable,
    usual: string,
    principal: Principal,
    request: ReportRequest,
  ): Promise<ReportPage> {
    const { groups, sums } = REPORTS[table];
    const names = groupsOf(request.group_by ?? usual, Object.keys(groups));
    const columns = names.map(name => groups[name as keyof typeof groups] as string);
    const { from, to } = daysOf(request, Math.floor(now() / DAY_MS));
    const accountId = await accountOf(principal, request.account);
    const { limit } = request;
    const only = Object.fromEntries(
      Object.entries(request.only).flatMap(([name, value]) =>
        value === undefined ? [] : [[groups[name as keyof typeof groups] as string, value]],
      ),
    );
    const rows =
      accountId === null
        ? []
        : await sumUp(store.read, table, {
            ...{ from, to, accountId, only, columns, limit },
            after: readCursor(request.cursor, columns.length),
          });
    const last = rows.length < limit ? undefined : rows.at(-1);
    const accountIds = columns.includes('account_id') ? rows.map(row => Number(row.account_id)) : [];
    const addresses = await findAddresses(store.read, accountIds);
    return {
      rows: rows.map(row => toRow(row, names, groups, sums, addresses)),
      columns: [...names.map(name => NAMES[name] ?? name), ...sums],
      next: last && writeCursor(columns.map(column => last[column] ?? '')),
    };
  }

  /** Returns the account whose rows are summed, undefined for all, or null if there is no such account. */
  async function accountOf(principal: Principal, account: string | undefined) {
    if (account !== undefined) requireAddress(account, 'account');
    const own = accountScope(principal);
    if (own === null)
      return account === undefined ? undefined : ((await findAccountId(store.read, account)) ?? null);
    if (account !== undefined && account !== principal.address)
      fail('AUTH_INSUFFICIENT_SCOPE', 'The sums of other accounts need a key with the scope admin', {
        field: 'account',
      });
    return own;
  }

  return {
    usage: (principal, request) => report('usage', 'day,key,model', principal, request),
    earnings: (principal, request) => report('earning', 'day,miner,model', principal, request),
  };
}

function groupsOf(text: string, known: readonly string[]): string[] {
  const names = [...new Set(text.split(','))];
  if (names.some(name => !known.includes(name)))
    fail('VALIDATION_INVALID_FORMAT', `group_by must be some of ${known.join(', ')}, joined by commas`, {
      field: 'group_by',
    });
  return names;
}

function daysOf(
  { from, to }: Pick<ReportRequest, 'from' | 'to'>,
  today: number,
): { from: number; to: number } {
  const last = to === undefined ? today : dayOf(to, 'to');
  const first = from === undefined ? last - 30 : dayOf(from, 'from');
  if (first > last || last - first >= LIMITS.reportDays)
    fail(
      'VALIDATION_OUT_OF_RANGE',
      `from must not be after to, and at most ${LIMITS.reportDays} days are summed up at once`,
      { field: 'from' },
    );
  return { from: first, to: last };
}

function dayOf(text: string, field: string): number {
  const ms = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(ms) || ms < 0)
    fail('VALIDATION_INVALID_FORMAT', `${field} must be a day such as 2026-01-24`, { field });
  return ms / DAY_MS;
}

const textOfDay = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

function toRow(
  row: Record<string, string | number>,
  names: readonly string[],
  groups: Readonly<Record<string, string>>,
  sums: readonly string[],
  addresses: ReadonlyMap<number, string>,
): ReportRow {
  const value = (name: string) => {
    const stored = row[groups[name] ?? ''] ?? '';
    if (name === 'day') return textOfDay(Number(stored));
    if (name === 'account') return addresses.get(Number(stored)) ?? null;
    return stored === '' ? null : stored;
  };
  return {
    ...Object.fromEntries(names.map(name => [NAMES[name] ?? name, value(name)])),
    ...Object.fromEntries(sums.map(sum => [sum, Number(row[sum])])),
    credits: Number(row.credits) / 1e6,
  };
}

const writeCursor = (values: readonly (string | number)[]) =>
  Buffer.from(JSON.stringify(values)).toString('base64url');

function readCursor(cursor: string | undefined, length: number): (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const isValue = (value: unknown) => typeof value === 'string' || Number.isSafeInteger(value);
    if (Array.isArray(values) && values.length === length && values.every(isValue)) return values;
  } catch {}
  return fail('VALIDATION_INVALID_FORMAT', 'cursor is not one of this list', { field: 'cursor' });
}
