import type { WebhookEventType } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Field } from '../../components/field/field.tsx';
import { Checks, Form } from '../../components/field/form.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import { useSession } from '../../session/use-session.ts';
import styles from './webhooks.module.css';

const EVENTS: readonly WebhookEventType[] = [
  ...(['job.completed', 'job.failed', 'job.cancelled', 'batch.completed', 'batch.failed'] as const),
  ...(['receipt.published', 'miner.offline', 'miner.suspended'] as const),
];

/** Registers a webhook, and shows its secret. */
export function NewWebhook() {
  const { client } = useSession();
  const queries = useQueryClient();
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<WebhookEventType[]>(['job.completed', 'job.failed']);
  const [withResult, setWithResult] = useState(false);
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => client.webhooks.create({ url: url.trim(), events, include_result: withResult }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [OWN, 'webhooks'] }),
  });
  if (data)
    return (
      <div className={styles.done}>
        <Secret value={data.secret} what="secret">
          Your server verifies with it that deliveries come from here (Standard Webhooks).
        </Secret>
      </div>
    );
  return (
    <Form action="Create the webhook" isPending={isPending} error={error} onSubmit={() => mutate()}>
      <Field label="URL" hint="Where events are posted: https, to a public address.">
        {props => (
          <input
            {...props}
            type="url"
            value={url}
            placeholder="https://your-app.com/webhook"
            onChange={event => setUrl(event.currentTarget.value)}
          />
        )}
      </Field>
      <Checks legend="Events" values={EVENTS} checked={events} onChange={setEvents} />
      <Field label="With the result of completed jobs, where it is short" inline>
        {props => (
          <input
            {...props}
            type="checkbox"
            checked={withResult}
            onChange={event => setWithResult(event.currentTarget.checked)}
          />
        )}
      </Field>
    </Form>
  );
}
