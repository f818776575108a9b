import type { Invitation, Scope } from '@aitbc/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { DataTable, type TableColumn } from '../../components/data-table/data-table.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Field } from '../../components/field/field.tsx';
import { Checks, FieldColumns, Form } from '../../components/field/form.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { Status } from '../../components/status/status.tsx';
import { shortId } from '../../format/ids.ts';
import { formatUtc } from '../../format/time.ts';
import { useSession } from '../../session/use-session.ts';
import styles from './keys.module.css';

/** The newest invitations, and a button that makes another one. For administrators. */
export function Invitations() {
  const { client } = useSession();
  const queries = useQueryClient();
  const [isCreating, setIsCreating] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'invitations'],
    queryFn: ({ signal }) => client.invitations.list({ limit: 20 }, { signal }).page(),
  });
  const revoke = useMutation({
    mutationFn: (id: string) => client.invitations.revoke(id),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN, 'invitations'] }),
  });
  return (
    <Panel
      title="Newest invitations"
      aside={<Button onClick={() => setIsCreating(true)}>New invitation</Button>}
      flush
    >
      {error ? (
        <LoadingFailed error={error} what="the invitations" retry={refetch} />
      ) : !data ? (
        <Loading what="invitations" lines={3} />
      ) : data.items.length === 0 ? (
        <Notice icon="user" title="Nobody was invited yet">
          Whoever opens the link of an invitation gets an account and a key.
        </Notice>
      ) : (
        <DataTable
          caption="Invitations, newest first"
          columns={columnsFor(id => revoke.mutate(id))}
          rows={data.items}
          rowKey={({ id }) => id}
        />
      )}
      <Modal title="New invitation" isOpen={isCreating} onOpenChange={setIsCreating}>
        <NewInvitation />
      </Modal>
    </Panel>
  );
}

const columnsFor = (revoke: (id: string) => void): readonly TableColumn<Invitation>[] => [
  {
    id: 'name',
    header: 'Invitation',
    cell: ({ id, name }) => <span title={id}>{name ?? <code>{shortId(id, 4)}</code>}</span>,
  },
  {
    id: 'used',
    header: 'Joined',
    cell: ({ used, uses }) => `${used} of ${uses}`,
  },
  {
    id: 'state',
    header: 'State',
    from: 'sm',
    cell: invitation => <InvitationState invitation={invitation} />,
  },
  { id: 'scopes', header: 'Scopes', from: 'md', cell: ({ scopes }) => scopes.join(', ') },
  {
    id: 'until',
    header: 'Valid until',
    from: 'lg',
    cell: ({ expires_at }) => formatUtc(Date.parse(expires_at)),
  },
  {
    id: 'revoke',
    header: 'Manage',
    align: 'end',
    cell: invitation =>
      invitation.revoked_at === null ? (
        <Button
          onClick={() => revoke(invitation.id)}
          aria-label={`Revoke ${invitation.name ?? invitation.id}`}
        >
          Revoke
        </Button>
      ) : (
        '–'
      ),
  },
];

function InvitationState({ invitation: { revoked_at, expires_at, used, uses } }: { invitation: Invitation }) {
  if (revoked_at !== null) return <Status tone="quiet">revoked</Status>;
  if (Date.parse(expires_at) <= Date.now()) return <Status tone="quiet">expired</Status>;
  return used < uses ? <Status tone="good">open</Status> : <Status tone="quiet">used up</Status>;
}

function NewInvitation() {
  const { client } = useSession();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(['client']);
  const [uses, setUses] = useState('1');
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () =>
      client.invitations.create({
        scopes,
        uses: Number(uses),
        ...(name.trim() !== '' && { name: name.trim() }),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [OWN, 'invitations'] }),
  });
  if (data)
    return (
      <div className={styles.done}>
        <Secret value={client.invitations.link(data.token)} what="link">
          Whoever opens it gets an account and a key.
        </Secret>
      </div>
    );
  return (
    <Form action="Create the invitation" isPending={isPending} error={error} onSubmit={() => mutate()}>
      <FieldColumns>
        <Field label="Name of the keys">
          {props => (
            <input
              {...props}
              value={name}
              maxLength={64}
              onChange={event => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="How many may join">
          {props => (
            <input
              {...props}
              inputMode="numeric"
              value={uses}
              onChange={event => setUses(event.currentTarget.value)}
            />
          )}
        </Field>
      </FieldColumns>
      <Checks
        legend="What their keys may do"
        values={['client', 'miner', 'keys'] as const}
        checked={scopes.filter(scope => scope === 'client' || scope === 'miner' || scope === 'keys')}
        onChange={setScopes}
      />
    </Form>
  );
}
