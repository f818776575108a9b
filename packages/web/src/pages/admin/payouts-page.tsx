import type { TrackedPayout } from '@aitbc/sdk';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { OWN } from '../../api/queries.ts';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { Choice, Filter } from '../../components/filter/filter.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { useSession } from '../../session/use-session.ts';
import { PayoutList } from '../payouts/payout-list.tsx';
import { isPayoutStatus, PAYOUT_STATES } from '../payouts/payout-status.tsx';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';
import { NewPayoutForm } from './new-payout.tsx';

const route = getRouteApi('/admin/payouts');
const TITLE = 'Payouts';

export const PayoutsPage = () => (
  <ForAdministrators title={TITLE}>
    <Payouts />
  </ForAdministrators>
);

function Payouts() {
  const { cursor, status, account } = route.useSearch();
  const navigate = route.useNavigate();
  const filterBy = (name: 'status' | 'account') => (value: string | undefined) =>
    void navigate({ search: before => ({ ...before, cursor: undefined, [name]: value }) });
  return (
    <AdminFrame
      title={TITLE}
      about="What you paid providers outside of this network, and what they said to it. Payouts are entries of the public ledger."
    >
      <Panel title="Record a payout">
        <NewPayoutForm />
      </Panel>
      <Panel
        title={cursor === undefined ? 'Newest payouts' : 'Older payouts'}
        aside={
          <>
            <Filter label="To" placeholder="ait1…" value={account} onChange={filterBy('account')} />
            <Choice label="Status" value={status} choices={PAYOUT_STATES} onChange={filterBy('status')} />
          </>
        }
        flush
      >
        <PayoutList
          filter={{ ...(account && { account }), ...(isPayoutStatus(status) && { status }) }}
          cursor={cursor}
          empty="When you have paid a provider for what it earned, record it above. The provider confirms it."
          actions={payout => <WithdrawButton payout={payout} />}
        />
      </Panel>
    </AdminFrame>
  );
}

/** What is confirmed, or withdrawn already, can't be withdrawn. */
function WithdrawButton({ payout: { payout, status } }: { payout: TrackedPayout }) {
  const { client } = useSession();
  const queries = useQueryClient();
  if (status === 'confirmed' || status === 'withdrawn') return null;
  const credits = formatCredits(payout.amount);
  return (
    <ConfirmButton
      action="Withdraw"
      subject={`payout of ${credits} credits`}
      isDangerous
      consequence={`${credits} credits are owed to ${payout.to} again. The payout stays in the public ledger, with an entry that it is withdrawn and why.`}
      asks={{
        label: 'Reason (public)',
        hint: 'Letters, digits and signs of ASCII.',
        placeholder: 'The transfer bounced',
        maxLength: 256,
      }}
      run={async reason => {
        await client.payouts.withdraw(payout.payout_id, { reason });
        await queries.invalidateQueries({ queryKey: [OWN] });
      }}
    />
  );
}
