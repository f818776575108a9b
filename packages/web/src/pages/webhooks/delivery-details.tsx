import type { WebhookDelivery } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { explain } from '../../components/states/states.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { formatDuration } from '../../format/numbers.ts';
import { formatUtc } from '../../format/time.ts';
import { useSession } from '../../session/use-session.ts';
import styles from './webhooks.module.css';

/** What a delivery posts, what came of each try, and a button that posts it again. */
export function DeliveryDetails({ webhookId, delivery }: { webhookId: string; delivery: WebhookDelivery }) {
  const { client } = useSession();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => client.webhooks.redeliver(webhookId, delivery.id),
    onSettled: () => queries.invalidateQueries({ queryKey: [OWN, 'deliveries', webhookId] }),
  });
  const { attempts, body, next_attempt_at } = delivery;
  return (
    <div className={styles.details}>
      <section>
        <h3>
          Tries{' '}
          {next_attempt_at === null ? null : <small>next at {formatUtc(Date.parse(next_attempt_at))}</small>}
        </h3>
        {attempts.length === 0 ? <p className="muted">It was not sent yet.</p> : null}
        <ol>
          {attempts.map(({ at, status_code, error, response, duration_ms }) => (
            <li key={at} className={styles.attempt}>
              <p>
                <strong>{status_code ?? 'No answer'}</strong> after {formatDuration(duration_ms)}{' '}
                <span className="muted">
                  <FullTime at={at} />
                </span>
              </p>
              {error === null ? null : <p>{error}</p>}
              {response ? <pre>{response}</pre> : null}
            </li>
          ))}
        </ol>
      </section>
      <section>
        <h3>Body {body === null ? null : <CopyButton text={body} what="body" />}</h3>
        {body === null ? <p className="muted">What it was about exists no more.</p> : <pre>{body}</pre>}
      </section>
      {error ? (
        <p role="alert" className={styles.error}>
          {explain(error)}
        </p>
      ) : null}
      <div className={styles.actions}>
        <Button kind="primary" disabled={isPending} onClick={() => mutate()}>
          Send again
        </Button>
      </div>
    </div>
  );
}
