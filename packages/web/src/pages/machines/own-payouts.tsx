import type { TrackedPayout } from '@aitbc/sdk';
import { useQueryClient } from '@tanstack/react-query';
import { OWN } from '../../api/queries.ts';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Stat, Stats } from '../../components/stat/stat.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { useAccount, useSession } from '../../session/use-session.ts';
import { PayoutList } from '../payouts/payout-list.tsx';
import styles from './own-payouts.module.css';

/** What the account earned, and what the operator says to have paid for it. */
export function EarningsStats() {
  const { earnings } = useAccount(useSession());
  return (
    <Stats>
      <Stat label="Earned" value={formatCredits(earnings.earned)} detail="credits in all" />
      <Stat
        label="Paid out"
        value={formatCredits(earnings.paid)}
        detail={`${formatCredits(earnings.confirmed)} confirmed`}
      />
      <Stat label="Disputed" value={formatCredits(earnings.disputed)} detail="of what was paid out" />
      <Stat
        label="Open"
        value={formatCredits(earnings.open)}
        detail={`${formatCredits(earnings.payable)} can be paid out`}
      />
    </Stats>
  );
}

/** What the operator says to have paid, and what the account's owner says to that. */
export function OwnPayouts({ cursor }: { cursor: string | undefined }) {
  const { account } = useSession();
  return (
    <Panel title="Payouts to you" flush>
      <PayoutList
        filter={{ account: account.address }}
        cursor={cursor}
        empty="When the operator has paid you for what you earned, it is listed here. Then you confirm or dispute it."
        actions={payout => <Answers payout={payout} />}
        isOwn
      />
    </Panel>
  );
}

/** A confirmed or withdrawn payout is final. A disputed one can still be confirmed. */
function Answers({ payout: { payout, status } }: { payout: TrackedPayout }) {
  const { client, apiKey } = useSession();
  const queries = useQueryClient();
  // Where the coordinator asks for no key, it does not know who was paid.
  if (apiKey === null) return null;
  const { payout_id: id } = payout;
  const subject = `payout of ${formatCredits(payout.amount)} credits`;
  const settle = async (done: Promise<unknown>) => {
    await done;
    await queries.invalidateQueries({ queryKey: [OWN] });
  };
  return (
    <span className={styles.buttons}>
      {status === 'unanswered' || status === 'disputed' ? (
        <ConfirmButton
          action="Confirm"
          subject={subject}
          consequence={`The ledger says for everybody to see that you were paid by ${payout.method}. That is final.`}
          run={() => settle(client.payouts.confirm(id))}
        />
      ) : null}
      {status === 'unanswered' ? (
        <ConfirmButton
          action="Dispute"
          subject={subject}
          isDangerous
          consequence="The ledger says for everybody to see that you were not paid, and why. You can confirm it later, and the operator can withdraw it."
          asks={{
            label: 'Reason (public)',
            hint: 'Letters, digits and signs of ASCII.',
            placeholder: 'Nothing has arrived',
            maxLength: 256,
          }}
          run={reason => settle(client.payouts.dispute(id, { reason }))}
        />
      ) : null}
    </span>
  );
}
