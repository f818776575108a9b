import { hash } from 'node:crypto';
import { JOB_WEBHOOK_EVENTS, type SubmitJob } from '@aitbc/protocol';
import { RequestError } from '../errors.ts';
import { failed, type Outcome, type WriteContext } from '../store/operation.ts';
import type { RowChange } from '../store/transaction.ts';
import { resumed, type WebhookRow } from './webhook.ts';

/** Where a job's own events are posted, as its row keeps it. */
export interface OwnWebhook {
  /** Id of the webhook that stands for the account's jobs with a URL at this origin. */
  webhook: string;
  url: string;
  events: readonly string[];
}

/** For how many origins an account's jobs may have URLs of their own. Each has a row that is kept. */
export const MAX_ORIGINS = 100;

/** Returns the column of a job's row, or null where the job has no URL of its own. */
export function ownWebhookOf(
  { webhook_url: url, webhook_events }: Pick<SubmitJob, 'webhook_url' | 'webhook_events'>,
  accountId: number,
): string | null {
  if (url === undefined) return null;
  const events = [...new Set(webhook_events ?? JOB_WEBHOOK_EVENTS)];
  return JSON.stringify({ webhook: idFor(accountId, originOf(url)), url, events } satisfies OwnWebhook);
}

export const readOwnWebhook = (column: string | null): OwnWebhook | undefined =>
  column === null ? undefined : (JSON.parse(column) as OwnWebhook);

const originOf = (url: string) => new URL(url).origin;

const idFor = (accountId: number, origin: string) =>
  `hook-${hash('sha256', `${accountId} ${origin}`).slice(0, 26)}`;

type Asking = Pick<SubmitJob, 'webhook_url'>;
interface Input {
  accountId: number;
  jobs: readonly { request: Asking }[];
}

/** The webhooks that stand for jobs' own URLs. */
export interface OwnWebhooks {
  /** Makes those that an input needs. Returns an error where the account would have too many. */
  take(input: Input): Outcome<never> | undefined;
  save(): Promise<void>;
}

export async function loadOwnWebhooks(inputs: readonly Input[], context: WriteContext): Promise<OwnWebhooks> {
  const { tx, now } = context;
  const wanted = new Map(inputs.map(input => [input, originsOf(input)]));
  const accounts = [...wanted].filter(([, origins]) => origins.size > 0).map(([input]) => input.accountId);
  const known = new Map<number, Map<string, WebhookRow>>();
  for (const accountId of new Set(accounts)) {
    const rows = await tx.query<WebhookRow>(['webhook'], OF_ACCOUNT, [accountId]);
    known.set(accountId, new Map(rows.map(row => [row.id, row])));
  }
  const made: WebhookRow[] = [];
  const changed: RowChange<WebhookRow>[] = [];
  return {
    take(input) {
      const origins = wanted.get(input) ?? new Set();
      const webhooks = known.get(input.accountId) ?? new Map<string, WebhookRow>();
      const missing = [...origins].filter(origin => !webhooks.has(idFor(input.accountId, origin)));
      if (webhooks.size + missing.length > MAX_ORIGINS)
        return failed(TOO_MANY.code, TOO_MANY.detail, { field: TOO_MANY.field });
      for (const origin of missing) {
        const row = newOwnWebhook(input.accountId, origin, now);
        webhooks.set(row.id, row);
        made.push(row);
      }
      // Whoever asks anew for deliveries there wants them tried again.
      for (const origin of origins) {
        const row = webhooks.get(idFor(input.accountId, origin));
        if (row?.state === 'disabled') changed.push({ before: row, after: resumed(row, now) });
      }
      return undefined;
    },
    async save() {
      await tx.insert('webhook', made);
      await tx.change('webhook', changed);
    },
  };
}

const OF_ACCOUNT = `SELECT * FROM webhook WHERE account_id = ? AND for_jobs = 1 ORDER BY id LIMIT ${MAX_ORIGINS + 1}`;

const originsOf = ({ jobs }: Input) =>
  new Set(
    jobs.flatMap(({ request }) => (request.webhook_url === undefined ? [] : [originOf(request.webhook_url)])),
  );

const TOO_MANY = {
  code: 'WEBHOOK_LIMIT_EXCEEDED',
  detail: `The jobs of an account may have webhook_urls at ${MAX_ORIGINS} origins: delete webhooks that you need no more`,
  field: 'webhook_url',
} as const;

export const tooManyOrigins = () => new RequestError(TOO_MANY);

const newOwnWebhook = (accountId: number, origin: string, now: number): WebhookRow => ({
  id: idFor(accountId, origin),
  account_id: accountId,
  url: origin,
  for_jobs: 1,
  events: JOB_WEBHOOK_EVENTS.join(' '),
  description: null,
  ...{ include_result: 0, all_miners: 0, receipts: 0 },
  ...{ secret: null, previous_secret: null, previous_until: null },
  ...{ state: 'active', disabled_reason: null, failing_since: null, last_success_at: null },
  ...{ due_at: null, leased_until: null, quiet_until: null },
  created_at: now,
  updated_at: now,
});
