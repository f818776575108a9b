import type { Webhook } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { OWN } from '../../api/queries.ts';
import { useSession } from '../../session/use-session.ts';
import { WebhookForm, type WebhookValues } from './webhook-form.tsx';

/** Changes where a webhook posts what. Its secret stays. */
export function EditWebhook({ webhook, onDone }: { webhook: Webhook; onDone: () => void }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { id, url, events, include_result } = webhook;
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ description, ...values }: WebhookValues) =>
      client.webhooks.update(id, { ...values, description: description === '' ? null : description }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [OWN] });
      onDone();
    },
  });
  return (
    <WebhookForm
      action="Save"
      initial={{ url, events, include_result, description: webhook.description ?? '' }}
      isPending={isPending}
      error={error}
      onSubmit={mutate}
    />
  );
}
