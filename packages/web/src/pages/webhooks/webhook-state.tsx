import type { Webhook } from '@aitbc/sdk';
import { Status } from '../../components/status/status.tsx';

/** Whether a webhook works, in a word. */
export function WebhookStateMark({ webhook: { state, failing_since } }: { webhook: Webhook }) {
  if (state === 'disabled') return <Status tone="bad">disabled</Status>;
  if (state === 'paused') return <Status tone="quiet">paused</Status>;
  return failing_since === null ? <Status tone="good">active</Status> : <Status tone="bad">failing</Status>;
}
