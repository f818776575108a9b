import type { StoreEvent } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import type { AttemptOutcome } from './webhook.ts';

/** One try, for those who count. */
export interface AttemptReport extends Pick<AttemptOutcome, 'statusCode' | 'durationMs'> {
  /** The type of the event, such as `job.completed`. */
  type: string;
  outcome: 'delivered' | 'failed';
}

export type AttemptListener = (report: AttemptReport) => void;
export type DisabledListener = (event: Extract<StoreEvent, { type: 'webhook.disabled' }>) => void;

/** What happens to deliveries of this process. */
export interface DeliveryEvents {
  onAttempt(listener: AttemptListener): void;
  /** Called when a webhook was disabled by a delivery. */
  onDisabled(listener: DisabledListener): void;
}

export function createDeliveryEvents(
  store: Pick<Store, 'onCommit'>,
): DeliveryEvents & { report: AttemptListener } {
  const attempts: AttemptListener[] = [];
  const disablings: DisabledListener[] = [];
  store.onCommit(events => {
    for (const event of events)
      if (event.type === 'webhook.disabled') for (const listener of disablings) listener(event);
  });
  return {
    onAttempt: listener => attempts.push(listener),
    onDisabled: listener => disablings.push(listener),
    report(report) {
      for (const listener of attempts) listener(report);
    },
  };
}
