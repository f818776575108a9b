import type { Signature, TokenUsage } from '@aitbc/protocol';
import { loadAddresses } from '../../accounts/accounts.ts';
import { loadBudgetPurses } from '../../accounts/key-budgets.ts';
import { issueReceipts, type ReceiptOptions, type Settlement } from '../../receipts/issue-receipts.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { Paid } from '../../store/topics.ts';
import type { JobRow } from '../job.ts';
import { loadPurses } from '../prepaid-balance.ts';
import { type BilledTimePolicy, billedTimeOf } from './billed-time.ts';

/** An ended attempt that is paid for. */
export interface EndedAttempt {
  /** The job as it was while it ran. */
  job: JobRow;
  miner: Pick<Row<'miner'>, 'id' | 'payee_id'>;
  receiptId: string;
  nonce: string;
  artifactHash: string;
  /** When the miner says that it finished, in Unix milliseconds. */
  reportedAt: number | undefined;
  /** The token counts, capped by what the texts allow. */
  usage: TokenUsage | undefined;
  attestation: Signature | undefined;
  /** The salted hash of the parameters that applied. */
  parametersHash?: string | undefined;
  /** The salted hash of the prompt as the engine rendered it. */
  renderedPromptHash?: string | undefined;
  /** Whether the job was cancelled and only the delivered text is paid for. */
  isCancelled?: boolean;
}

export type SettlementPolicy = ReceiptOptions & BilledTimePolicy;

/** A receipt as JSON, and what it pays. */
export interface SettledAttempt {
  body: string;
  paid: Paid;
}

/** Issues the receipts of ended attempts. Returns them in order. */
export async function settleAttempts(
  runs: readonly EndedAttempt[],
  policy: SettlementPolicy,
  context: WriteContext,
): Promise<SettledAttempt[]> {
  const parties = runs.flatMap(({ job, miner }) => [job.account_id, miner.payee_id]);
  const [addresses, purses, budgets] = await Promise.all([
    loadAddresses(parties, context.tx),
    loadPurses(
      runs.map(({ job }) => job),
      context.tx,
    ),
    loadBudgetPurses(
      runs.map(({ job }) => job),
      context,
    ),
  ]);
  const party = (id: number) => ({ id, address: addresses.get(id) ?? missing(`account ${id}`) });
  const settlements = runs.map(({ job, miner, ...run }): Settlement => {
    const signedAt = run.attestation === undefined ? undefined : run.reportedAt;
    return {
      ...run,
      job,
      ...billedTimeOf(job, signedAt, policy, context),
      client: party(job.account_id),
      provider: party(miner.payee_id),
      minerId: miner.id,
      purse: {
        ceiling: () => Math.min(purses.ceiling(job), budgets.ceiling(job)),
        charge(price) {
          purses.charge(job, price);
          budgets.charge(job, price);
        },
      },
    };
  });
  const issued = await issueReceipts(settlements, policy, context);
  await budgets.save();
  return issued.map(({ body, price }, index) => {
    const { miner, usage } = runs[index] ?? missing('attempt');
    const tokens = { tokensIn: usage?.prompt_tokens ?? 0, tokensOut: usage?.completion_tokens ?? 0 };
    return { body, paid: { price, payeeId: miner.payee_id, ...tokens } };
  });
}

function missing(what: string): never {
  throw new Error(`${what} is missing in the store`);
}
