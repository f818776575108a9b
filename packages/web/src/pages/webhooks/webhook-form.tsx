import type { Webhook, WebhookEventType } from '@aitbc/sdk';
import { useState } from 'react';
import { Field } from '../../components/field/field.tsx';
import { Checks, Form } from '../../components/field/form.tsx';

const EVENTS: readonly WebhookEventType[] = [
  ...(['job.completed', 'job.failed', 'job.cancelled', 'batch.completed', 'batch.failed'] as const),
  ...(['receipt.published', 'miner.offline', 'miner.suspended'] as const),
];

/** What one decides about a webhook. */
export type WebhookValues = Pick<Webhook, 'url' | 'events' | 'include_result'> & { description: string };

interface WebhookFormProps {
  action: string;
  initial: WebhookValues;
  isPending: boolean;
  error: unknown;
  onSubmit: (values: WebhookValues) => void;
}

/** Where events are posted, which, and what for. */
export function WebhookForm({ action, initial, isPending, error, onSubmit }: WebhookFormProps) {
  const [values, setValues] = useState(initial);
  const change = (part: Partial<WebhookValues>) => setValues(before => ({ ...before, ...part }));
  return (
    <Form
      action={action}
      isPending={isPending}
      error={error}
      onSubmit={() => onSubmit({ ...values, url: values.url.trim(), description: values.description.trim() })}
    >
      <Field label="URL" hint="Where events are posted: https, to a public address.">
        {props => (
          <input
            {...props}
            type="url"
            value={values.url}
            placeholder="https://your-app.com/webhook"
            onChange={event => change({ url: event.currentTarget.value })}
          />
        )}
      </Field>
      <Field label="Description" hint="So that you know it again.">
        {props => (
          <input
            {...props}
            value={values.description}
            placeholder="answers for the web shop"
            maxLength={256}
            onChange={event => change({ description: event.currentTarget.value })}
          />
        )}
      </Field>
      <Checks
        legend="Events"
        values={EVENTS}
        checked={values.events}
        onChange={events => change({ events })}
      />
      <Field label="With the result of completed jobs, where it is short" inline>
        {props => (
          <input
            {...props}
            type="checkbox"
            checked={values.include_result}
            onChange={event => change({ include_result: event.currentTarget.checked })}
          />
        )}
      </Field>
    </Form>
  );
}
