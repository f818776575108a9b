import type { Opening, Restore } from '@aitbc/protocol';
import { createBalanceTotals, isOpening, isRestore } from '@aitbc/receipts';
import type { Stated } from './examining.ts';
import type { LedgerFault } from './faults.ts';

/**
 * Holds the opening balances of a ledger that follows a restore to the statement that it begins with: as many, one an
 * account in the order of their addresses, with that sum and that hash, and none anywhere else. Credits would come from
 * nothing otherwise.
 */
export interface OpeningsCheck {
  /** Statements in their order. Answers what is wrong with this one. */
  take(stated: Stated): Promise<LedgerFault[]>;
  /** To be called once, behind the last statement of a tree of so many entries. Answers what is wrong with all of them. */
  end(size: number): LedgerFault[];
}

/**
 * @param from the first entry that is taken
 * @param readFirst reads the statement of entry 0, where it is not among those that are taken
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
    if (!begun) return 'is an opening balance, and the ledger does not begin with a restore';
    if (opening.restore_id !== begun.restore_id) return `belongs to another restore than ${begun.restore_id}`;
    if (index > begun.accounts)
      return `is one opening balance more than the ${begun.accounts} of the restore`;
    if (opening.account <= last) return 'is not behind the opening balance before it by its address';
    if (from === 0 && index !== count + 1) return 'is an opening balance behind other statements';
    return undefined;
  }

  return {
    async take(stated) {
      const { index, statement } = stated;
      if (index === 0) restore = asRestore(stated);
      if (!statement) return [];
      if (isRestore(statement) && index !== 0)
        return [fault(index, 'is a restore, with which only a ledger begins')];
      if (!isOpening(statement)) return [];
      const wrong = misfit(stated, statement, await restoreOf());
      if (wrong !== undefined) return [fault(index, wrong)];
      count++;
      last = statement.account;
      taken.add(statement);
      return [];
    },
    end(size) {
      // Where a part was taken, or the tree does not have all of them yet, nothing can be said.
      if (!restore || from > 0 || size <= restore.accounts) return [];
      const totals = taken.totals();
      const names = Object.keys(totals) as (keyof typeof totals)[];
      return names
        .filter(name => totals[name] !== restore?.[name])
        .map(name => fault(0, `says ${name} ${restore?.[name]}, and its openings come to ${totals[name]}`));
    },
  };
}

const asRestore = (stated: Stated | undefined) =>
  stated?.statement && isRestore(stated.statement) ? stated.statement : null;

const fault = (index: number, what: string): LedgerFault => ({
  ...{ code: 'STATEMENT_INVALID', index, path: null },
  detail: `Entry ${index} ${what}`,
});
