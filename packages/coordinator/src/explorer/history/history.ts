import { type AddressDay, HISTORY_DAYS, type MinerDay } from '@aitbc/protocol';
import { findAccountId, requireExistingAddress } from '../../accounts/accounts.ts';
import { fail } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { DAYS_COUNTED } from './count-account-days.ts';
import { availabilityOf } from './count-miner-days.ts';
import { dayOf, textOfDay } from './day-id.ts';
import {
  balanceBefore,
  findRegistration,
  listAccountDays,
  listMinerDays,
  newestIndex,
  readCounter,
  sumEarnings,
} from './queries.ts';

/** What addresses and miners did, by day. Methods throw RequestError. */
export interface History {
  /** Returns the newest days on which the ledger names the address, oldest first. */
  address(address: string): Promise<AddressDay[]>;
  /** Returns the last days, oldest first, today last. */
  miner(id: string): Promise<MinerDay[]>;
  /** Whether the ledger has entries that are not part of any day yet. */
  isBehind(): Promise<boolean>;
}

export function createHistory({ read }: Pick<Store, 'read'>, now: () => number): History {
  return {
    async address(address) {
      requireExistingAddress(address);
      const accountId = await findAccountId(read, address);
      if (accountId === undefined) return [];
      const rows = (await listAccountDays(read, accountId, HISTORY_DAYS.address)).reverse();
      let balance = rows[0] ? await balanceBefore(read, accountId, rows[0].day) : 0;
      return rows.map(({ day, received, sent, transactions }) => {
        balance += received - sent;
        return {
          day: textOfDay(day),
          ...{ received: received / 1e6, sent: sent / 1e6, balance: balance / 1e6, transactions },
        };
      });
    },
    async miner(id) {
      const since = await findRegistration(read, id);
      if (since === undefined) return fail('MINER_NOT_FOUND', `No miner ${id} is registered`);
      const today = dayOf(now());
      const from = today - HISTORY_DAYS.miner + 1;
      const [own, all, earnings] = await Promise.all([
        listMinerDays(read, id, from),
        listMinerDays(read, '', from),
        sumEarnings(read, id, from),
      ]);
      const slots = new Map(own.map(row => [row.day, row]));
      const counted = new Map(all.map(row => [row.day, row]));
      const earned = new Map(earnings.map(row => [row.day, row]));
      return Array.from({ length: HISTORY_DAYS.miner }, (_, index): MinerDay => {
        const day = from + index;
        const known = { own: slots.get(day), all: counted.get(day) };
        const { jobs = 0, tokens_in = 0, tokens_out = 0, credits = 0 } = earned.get(day) ?? {};
        return {
          day: textOfDay(day),
          availability: availabilityOf(day, known, { since, now: now() }),
          ...{ jobs, tokens_in, tokens_out, credits: credits / 1e6 },
        };
      });
    },
    async isBehind() {
      const [newest, counted] = await Promise.all([newestIndex(read), readCounter(read, DAYS_COUNTED)]);
      return newest !== undefined && newest >= (counted ?? 0);
    },
  };
}
