import type { Opening, Restore } from '@aitbc/protocol';
import { createBalanceTotals, isOpening, isRestore } from '@aitbc/receipts';
import type { Stated } from './examine-bundle.ts';
import type { LedgerFault } from './ledger-fault.ts';

/**
 * Checks that the opening balances of a ledger match the restore that it begins with: their number, their sum
 * and their hash, one for each account in the order of the addresses, and none anywhere else. Otherwise
 * credits could appear from nothing.
 */
export interface OpeningsCheck {
  /** Takes the next statement and returns its faults. */
  take(stated: Stated): Promise<LedgerFault[]>;
  /**
   * ApiCall this once, after the last statement of a tree with `size` entries. Returns the faults of all
   * openings together.
   */
  end(size: number): LedgerFault[];
}

/**
 * @param from the first entry that is checked
 * @param readFirst reads the statement of entry 0, when `from` is later
 */
export function createOpeningsCheck(
  from: number,
  readFirst: () => Promise<Stated | undefined>,
): OpeningsCheck {
  let restore: Restore | null | undefined;
  const taken = createBalanceTotals();
  let [count, last] = [0, ''];

  async function restoreOf(): Promise<Restore | null> {
    if (restore === undefined) restore = from === 0 ? null : asRestore(await readFirst());
    return restore;
  }

  function misfit({ index }: Stated, opening: Opening, begun: Restore | null): string | undefined {
    if (!begun) return 'is an opening balance, but the ledger does not begin with a restore';
    if (opening.restore_id !== begun.restore_id) return `belongs to another restore than ${begun.restore_id}`;
    if (index > begun.accounts) return `is an opening balance beyond the ${begun.accounts} of the restore`;
    if (opening.account <= last)
      return 'does not follow the opening balance before it in the order of addresses';
    if (from === 0 && index !== count + 1) return 'is an opening balance after other statements';
    return undefined;
  }

  return {
    async take(stated) {
      const { index, statement } = stated;
      if (index === 0) restore = asRestore(stated);
      if (!statement) return [];
      if (isRestore(statement) && index !== 0)
        return [fault(index, 'is a restore, which must be the first entry of a ledger')];
      if (!isOpening(statement)) return [];
      const wrong = misfit(stated, statement, await restoreOf());
      if (wrong !== undefined) return [fault(index, wrong)];
      count++;
      last = statement.account;
      taken.add(statement);
      return [];
    },
    end(size) {
      // Nothing can be said when only a part was checked, or the tree does not have all openings yet.
      if (!restore || from > 0 || size <= restore.accounts) return [];
      const totals = taken.totals();
      const names = Object.keys(totals) as (keyof typeof totals)[];
      return names
        .filter(name => totals[name] !== restore?.[name])
        .map(name =>
          fault(0, `says ${name} ${restore?.[name]}, but its opening balances give ${totals[name]}`),
        );
    },
  };
}

const asRestore = (stated: Stated | undefined) =>
  stated?.statement && isRestore(stated.statement) ? stated.statement : null;

const fault = (index: number, what: string): LedgerFault => ({
  ...{ code: 'STATEMENT_INVALID', index, path: null },
  detail: `Entry ${index} ${what}`,
});
