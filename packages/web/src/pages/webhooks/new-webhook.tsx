import { useMutation, useQueryClient } from '@tanstack/react-query';
import { OWN } from '../../api/queries.ts';
import { Secret } from '../../components/secret/secret.tsx';
import { useSession } from '../../session/use-session.ts';
import { WebhookForm, type WebhookValues } from './webhook-form.tsx';
import styles from './webhooks.module.css';

const INITIAL: WebhookValues = {
  url: '',
  events: ['job.completed', 'job.failed'],
  description: '',
  include_result: false,
};

/** Registers a webhook, and shows its secret. */
export function NewWebhook() {
  const { client } = useSession();
  const queries = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: ({ description, ...values }: WebhookValues) =>
      client.webhooks.create({ ...values, ...(description !== '' && { description }) }),
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
    <WebhookForm
      action="Create the webhook"
      initial={INITIAL}
      isPending={isPending}
      error={error}
      onSubmit={mutate}
    />
  );
}
