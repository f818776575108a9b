import { unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { type Body, buildBodies } from './body.ts';
import type { AttemptListener } from './delivery-events.ts';
import { type LeasedWebhook, type LeaseOutput, leaseDeliveries } from './lease.ts';
import { TEST_EVENT } from './manage.ts';
import { type RecordInput, recordAttempts } from './record.ts';
import type { Sender } from './sender.ts';
import { secretsAt, type WebhookSigner } from './signature.ts';
import { type AttemptOutcome, type DeliveryRow, isSuccess, type WebhookRow } from './webhook.ts';

export interface DelivererOptions {
  store: Store;
  sender: Sender;
  signer: WebhookSigner;
  limits: DeliveryLimits;
  /** Returns ms since the epoch. */
  now: () => number;
  /** Returns a number from 0 to 1. */
  random: () => number;
  report: AttemptListener;
  /** Called when more deliveries of a webhook are due as soon as the last ones were made. */
  onMore: () => void;
}

export interface DeliveryLimits {
  concurrency: number;
  perWebhook: number;
  timeoutMs: number;
}

/** Makes the deliveries that are due. Any number of processes may do so at once. */
export interface Deliverer {
  /** Leases what is due and begins to send it. Resolves with whether there may be more at once. */
  start(stopped: AbortSignal): Promise<boolean>;
  /** Resolves when another delivery has a free place. */
  placeFree(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Makes all deliveries that are due, and resolves when nothing is left to do now. */
  deliverAll(stopped: AbortSignal): Promise<void>;
}

/** One account gets at most this share of what a process does at once, so that its slow receivers delay nobody else's. */
const ACCOUNT_SHARE = 1 / 4;

/** Leases last as long again as a delivery may take, and this, for recording what came of it. */
const RECORDING_MS = 1_000;

/** How often recording is tried again while the database does not take it. */
const RECORD_AGAIN_MS = 1_000;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { store, sender, signer, limits, now, random, report, onMore } = options;
  const leaseMs = 2 * limits.timeoutMs + RECORDING_MS;
  const perAccount = Math.max(limits.perWebhook, Math.ceil(limits.concurrency * ACCOUNT_SHARE));
  const underWay = new Set<Promise<void>>();
  const byAccount = new Map<number, number>();

  function count(accountId: number, by: 1 | -1) {
    const total = (byAccount.get(accountId) ?? 0) + by;
    if (total === 0) byAccount.delete(accountId);
    else byAccount.set(accountId, total);
  }

  async function lease(): Promise<LeaseOutput> {
    const freeOf = Object.fromEntries([...byAccount].map(([id, used]) => [id, perAccount - used]));
    const { perWebhook } = limits;
    const free = limits.concurrency - underWay.size;
    return unwrap(await store.write(leaseDeliveries, { free, freeOf, perAccount, perWebhook, leaseMs }));
  }

  /** Sends the deliveries of one lease, and ends the lease with the last of them. */
  function send(leased: LeasedWebhook, contents: ReadonlyMap<string, Content>, stopped: AbortSignal) {
    const { webhook, deliveries, leasedUntil } = leased;
    let left = deliveries.length;
    for (const delivery of deliveries) {
      const content = contents.get(delivery.id);
      const sending = attempt(leased, delivery, content, stopped).then(async outcome => {
        left--;
        const { id: deliveryId, webhook_id: webhookId, type } = delivery;
        const url = content?.url ?? webhook.url;
        if (outcome) report({ type, outcome: isSuccess(outcome) ? 'delivered' : 'failed', ...outcome });
        const input = { deliveryId, webhookId, leasedUntil, isLast: left === 0, url, outcome };
        await record({ ...input, chance: random() }, stopped);
      });
      count(webhook.account_id, 1);
      const ended: Promise<void> = sending.finally(() => {
        const wasFull = (byAccount.get(webhook.account_id) ?? 0) >= perAccount;
        count(webhook.account_id, -1);
        underWay.delete(ended);
        // Others of the account may have waited for this.
        if (wasFull) onMore();
      });
      underWay.add(ended);
    }
  }

  async function attempt(
    { webhook, accountSecret }: LeasedWebhook,
    delivery: DeliveryRow,
    content: Content | undefined,
    stopped: AbortSignal,
  ): Promise<AttemptOutcome | undefined> {
    const secret = webhook.secret === null ? accountSecret : { ...webhook, secret: webhook.secret };
    if (!content || !secret) return impossible(now());
    const { url, body } = content;
    const signed = signer.headersFor(delivery.id, body, secretsAt(secret, now()), now());
    const headers = { 'content-type': 'application/json', 'user-agent': 'aitbc-webhooks', ...signed };
    return await sender.post(url, headers, body, stopped);
  }

  /** Tries until the lease is over: then another process delivers again. */
  async function record(input: RecordInput, stopped: AbortSignal): Promise<void> {
    const until = performance.now() + leaseMs;
    while (performance.now() < until) {
      try {
        const { more } = unwrap(await store.write(recordAttempts, input));
        if (more) onMore();
        return;
      } catch {
        if (stopped.aborted) return;
        await new Promise(resolve => setTimeout(resolve, RECORD_AGAIN_MS).unref());
      }
    }
  }

  async function start(stopped: AbortSignal): Promise<{ count: number; more: boolean }> {
    const { leased, more } = await lease();
    const contents = await contentsOf(store, leased);
    for (const each of leased) send(each, contents, stopped);
    return { count: leased.length, more };
  }

  async function idle(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    start: async stopped => (await start(stopped)).more,
    async placeFree() {
      while (underWay.size >= limits.concurrency) await Promise.race(underWay);
    },
    idle,
    async deliverAll(stopped) {
      while ((await start(stopped)).count > 0) await idle();
    },
  };
}

/** What is sent, and where to. */
interface Content {
  url: string;
  body: string;
}

/** Builds what is sent for each delivery. A job's own URL is in the job's row. */
async function contentsOf({ read }: Store, leased: readonly LeasedWebhook[]): Promise<Map<string, Content>> {
  const requests = leased.flatMap(({ webhook, deliveries }) =>
    deliveries.map(delivery => ({ delivery, webhook, includeResult: webhook.include_result === 1 })),
  );
  if (requests.length === 0) return new Map();
  const bodies = await buildBodies(read, requests);
  const contents = new Map<string, Content>();
  for (const { delivery, webhook } of requests) {
    const found = bodies.get(delivery.id);
    const url = urlOf(webhook, delivery, found);
    if (found && url !== undefined) contents.set(delivery.id, { url, body: found.text });
  }
  return contents;
}

/** A webhook for jobs has the origin of their URLs only, so nothing about a job is sent there once its URL is erased. */
function urlOf(webhook: WebhookRow, { type }: DeliveryRow, body: Body | undefined): string | undefined {
  return webhook.for_jobs === 1 && type !== TEST_EVENT ? body?.ownUrl : webhook.url;
}

const impossible = (startedAt: number): AttemptOutcome => ({
  statusCode: null,
  error: 'Not sent: its subject, or the URL of the job, exists no more',
  response: null,
  startedAt,
  durationMs: 0,
  final: true,
});
