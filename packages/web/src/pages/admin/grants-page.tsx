import type { Grant } from '@aitbc/sdk';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { newIdempotencyKey } from '../../api/idempotency-key.ts';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Field } from '../../components/field/field.tsx';
import { Id } from '../../components/id/id.tsx';
import { Pager } from '../../components/pager/pager.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Time } from '../../components/time/time.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { pathOf } from '../../format/paths.ts';
import { useSession } from '../../session/use-session.ts';
import styles from './admin.module.css';
import { AdminFrame, ForAdministrators } from './admin-frame.tsx';

const route = getRouteApi('/admin/grants');
const TITLE = 'Grants';

export const GrantsPage = () => (
  <ForAdministrators title={TITLE}>
    <Grants />
  </ForAdministrators>
);

const COLUMNS: readonly TableColumn<Grant>[] = [
  { id: 'to', header: 'To', cell: ({ to }) => <Id value={to} what="address" to="/addresses/$id" /> },
  { id: 'time', header: 'Time', cell: ({ created_at }) => <Time at={created_at * 1000} /> },
  { id: 'reason', header: 'Reason', from: 'sm', cell: ({ metadata }) => metadata.reason ?? '–' },
  {
    id: 'grant',
    header: 'Grant',
    from: 'md',
    cell: ({ grant_id }) => <Id value={grant_id} what="grant id" />,
  },
  { id: 'amount', header: 'Credits', align: 'end', cell: ({ amount }) => formatCredits(amount) },
];

function Grants() {
  const { client } = useSession();
  const { cursor } = route.useSearch();
  const query = { limit: 50, ...(cursor && { cursor }) };
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'grants', query],
    queryFn: ({ signal }) => client.grants.list(query, { signal }).page(),
    placeholderData: keepPreviousData,
  });
  return (
    <AdminFrame
      title={TITLE}
      about="Grants give credits to an address. They are entries of the public ledger."
    >
      <Panel title="Grant credits">
        <NewGrantForm />
      </Panel>
      <Panel title={cursor === undefined ? 'Newest grants' : 'Older grants'} flush>
        {error ? (
          <LoadingFailed error={error} what="the grants" retry={refetch} />
        ) : !data ? (
          <Loading what="grants" />
        ) : data.items.length === 0 ? (
          <Notice icon="transaction" title="No grant yet">
            Where clients pay ahead, they need credits before their first job.
          </Notice>
        ) : (
          <>
            <DataTable
              caption="Grants, newest first"
              columns={COLUMNS}
              rows={data.items}
              rowKey={({ grant_id }) => grant_id}
            />
            <Pager
              cursor={cursor}
              next={data.cursor}
              count={data.items.length}
              noun="grants"
              json={{ value: data.items, path: pathOf('/v1/grants', query) }}
            />
          </>
        )}
      </Panel>
    </AdminFrame>
  );
}

function NewGrantForm() {
  const { client } = useSession();
  const queries = useQueryClient();
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  /** The same key for a repeated try: what was granted is not granted twice. */
  const [attempt, setAttempt] = useState(newIdempotencyKey);
  const credits = Number(amount);
  const isComplete = to.startsWith('ait1') && credits > 0;
  const grant = async () => {
    await client.grants.create(
      { to: to.trim(), amount: credits, ...(reason && { reason }) },
      { idempotencyKey: attempt },
    );
    setAttempt(newIdempotencyKey());
    setAmount('');
    await queries.invalidateQueries({ queryKey: [OWN, 'grants'] });
  };
  return (
    <div className={styles.form}>
      <Field label="To">
        {props => (
          <input
            {...props}
            value={to}
            placeholder="ait1…"
            maxLength={90}
            onChange={e => setTo(e.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Credits">
        {props => (
          <input
            {...props}
            inputMode="decimal"
            value={amount}
            placeholder="100"
            maxLength={20}
            onChange={e => setAmount(e.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Reason (public)">
        {props => (
          <input {...props} value={reason} maxLength={256} onChange={e => setReason(e.currentTarget.value)} />
        )}
      </Field>
      {isComplete ? (
        <ConfirmButton
          action="Grant"
          subject={`${formatCredits(credits)} credits`}
          consequence={`${to.trim()} gets ${formatCredits(credits)} credits. The entry, with its reason, is public at once, and can’t be taken back.`}
          run={grant}
        />
      ) : (
        <Button disabled>Grant</Button>
      )}
    </div>
  );
}
