import type { Webhook, WebhookChange } from '@aitbc/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { isNotFound, OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Modal } from '../../components/dialog/dialog.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Page } from '../../components/page/page.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { RawJson } from '../../components/raw-json/raw-json.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import { explain, Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { Deliveries } from './deliveries.tsx';
import { EditWebhook } from './edit-webhook.tsx';
import { WebhookStateMark } from './webhook-state.tsx';
import styles from './webhooks.module.css';

const route = getRouteApi('/webhooks/$id');

export const WebhookPage = () => (
  <SignedIn scope="client" title="Webhook" purpose="manage your webhooks">
    <OneWebhook />
  </SignedIn>
);

function OneWebhook() {
  const { client } = useSession();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'webhook', id],
    queryFn: ({ signal }) => client.webhooks.get(id, { signal }),
  });
  if (!data)
    return (
      <Page title="Webhook">
        {!error ? (
          <Loading what="the webhook" />
        ) : isNotFound(error) ? (
          <Notice icon="webhook" title="Your account has no such webhook">
            <Link to="/webhooks">See your webhooks.</Link>
          </Notice>
        ) : (
          <LoadingFailed error={error} what="the webhook" retry={refetch} />
        )}
      </Page>
    );
  return (
    <Page
      title={
        <>
          Webhook <WebhookStateMark webhook={data} />
        </>
      }
      name="Webhook"
      about={data.url}
      actions={<RawJson value={data} path={`/v1/webhooks/${id}`} />}
    >
      <Settings webhook={data} />
      <Deliveries webhookId={id} />
    </Page>
  );
}

function Settings({ webhook }: { webhook: Webhook }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { id, state } = webhook;
  const [isEditing, setIsEditing] = useState(false);
  const settled = () => queries.invalidateQueries({ queryKey: [OWN] });
  const change = useMutation({
    mutationFn: (to: WebhookChange) => client.webhooks.update(id, to),
    onSettled: settled,
  });
  const test = useMutation({ mutationFn: () => client.webhooks.test(id), onSettled: settled });
  const rotate = useMutation({ mutationFn: () => client.webhooks.rotateSecret(id), onSettled: settled });
  const remove = useMutation({
    mutationFn: () => client.webhooks.delete(id),
    onSuccess: () => void navigate({ to: '/webhooks' }),
    onSettled: settled,
  });
  const error = change.error ?? test.error ?? rotate.error ?? remove.error;
  return (
    <Panel
      title="Settings"
      aside={
        <>
          <Button onClick={() => test.mutate()}>Send a test</Button>
          {webhook.for_jobs ? null : (
            <Button aria-haspopup="dialog" onClick={() => setIsEditing(true)}>
              Edit
            </Button>
          )}
          <Button onClick={() => change.mutate({ paused: state === 'active' })}>
            {state === 'active' ? 'Pause' : 'Resume'}
          </Button>
        </>
      }
      flush
    >
      <Facts>
        {webhook.description === null ? null : <Fact name="Description">{webhook.description}</Fact>}
        <Fact name="Events">{webhook.events.join(', ')}</Fact>
        <Fact name="Last delivered">
          {webhook.last_success_at === null ? 'never' : <FullTime at={webhook.last_success_at} />}
        </Fact>
        {webhook.failing_since === null ? null : (
          <Fact name="Fails since">
            <FullTime at={webhook.failing_since} />
          </Fact>
        )}
        {webhook.disabled_reason === null ? null : (
          <Fact name="Disabled">
            {webhook.disabled_reason === 'gone'
              ? 'It answered that it is gone (410). Resume it when it is back.'
              : 'No delivery has succeeded for five days. Resume it when it is mended.'}
          </Fact>
        )}
        <Fact name="Secret" hint="the old one signs too, for a day">
          {rotate.data ? (
            <Secret value={rotate.data.secret} what="secret">
              Give it to your server.
            </Secret>
          ) : (
            <Button onClick={() => rotate.mutate()}>Make a new secret</Button>
          )}
        </Fact>
        <Fact name="Delete" hint="nothing more is posted">
          <Button kind="danger" onClick={() => remove.mutate()}>
            Delete the webhook
          </Button>
        </Fact>
      </Facts>
      {error ? (
        <p role="alert" className={styles.error}>
          {explain(error)}
        </p>
      ) : null}
      <Modal title="Edit the webhook" isOpen={isEditing} onOpenChange={setIsEditing}>
        <EditWebhook webhook={webhook} onDone={() => setIsEditing(false)} />
      </Modal>
    </Panel>
  );
}
