import type {
  CoordinatorClient,
  RedeliverSince,
  Webhook,
  WebhookDelivery,
  WebhookEventType,
} from '@aitbc/sdk';
import type { Command } from 'commander';
import { nameList, positiveInteger } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';

/** `aitbc webhooks`: where events are posted. */
export function addWebhooksCommand(program: Command, io: Io): void {
  const group = program
    .command('webhooks')
    .description('have events posted to a server of yours, and see how that goes')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc webhooks add https://your-app.com/webhook --event job.completed,job.failed
  $ aitbc webhooks test hook-01kc0pq5w8e4z9k3v7t2m6n1rx
  $ aitbc webhooks deliveries hook-01kc0pq5w8e4z9k3v7t2m6n1rx --state failed
  $ aitbc webhooks redeliver hook-01kc0pq5w8e4z9k3v7t2m6n1rx --since 2026-01-24T00:00:00Z`,
    );
  addAdd(group, io);
  addList(group, io);
  addTest(group, io);
  addDeliveries(group, io);
  addRedeliver(group, io);
  addChange(group, io, 'pause', 'keep events until the webhook is resumed', (client, id) =>
    client.webhooks.update(id, { paused: true }),
  );
  addChange(group, io, 'resume', 'deliver again, also after it was disabled', (client, id) =>
    client.webhooks.update(id, { paused: false }),
  );
  addDelete(group, io);
}

interface AddFlags {
  event: string[];
  description?: string;
  result?: true;
  allMiners?: true;
}

function addAdd(group: Command, io: Io): void {
  group
    .command('add')
    .description('register a webhook; its secret is shown only now')
    .argument('<url>', 'where events are posted')
    .requiredOption('--event <types>', 'such as job.completed,job.failed; may be repeated', nameList)
    .option('--description <text>', 'for you')
    .option('--result', 'include the results of jobs')
    .option('--all-miners', 'get the miner events of all owners, with an administrator’s key')
    .action(async (url: string, flags: AddFlags, command: Command) => {
      const created = await clientFor(command, io).webhooks.create({
        url,
        events: flags.event as WebhookEventType[],
        ...(flags.description !== undefined && { description: flags.description }),
        ...(flags.result && { include_result: true }),
        ...(flags.allMiners && { all_miners: true }),
      });
      if (wantsJson(command)) return printJson(io, created);
      print(io, fieldList({ Webhook: created.id, URL: created.url, Secret: created.secret }));
      note(io, 'Keep the secret: it is shown only now.');
    });
}

function addList(group: Command, io: Io): void {
  group
    .command('list')
    .description('list your webhooks, newest first')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (flags: ListFlags, command: Command) => {
      const found = clientFor(command, io).webhooks.list({ limit: pageSize(flags) });
      await printList(found, flags, { command, io, columns: WEBHOOKS });
    });
}

const WEBHOOKS: Columns<Webhook> = {
  head: ['webhook', 'state', 'url', 'events', 'failing since'],
  row: ({ id, state, disabled_reason, url, events, failing_since }) => [
    id,
    disabled_reason === null ? state : `${state} (${disabled_reason})`,
    url,
    events.join(' '),
    failing_since,
  ],
};

function addTest(group: Command, io: Io): void {
  group
    .command('test')
    .description('send an event webhook.test')
    .argument('<webhook>', 'id of the webhook')
    .action(async (id: string, _: object, command: Command) => {
      const delivery = await clientFor(command, io).webhooks.test(id);
      if (wantsJson(command)) return printJson(io, delivery);
      print(io, delivery.id);
      note(io, `It is being sent: \`aitbc webhooks deliveries ${id}\` shows what came of it.`);
    });
}

interface DeliveriesFlags extends ListFlags {
  state?: WebhookDelivery['state'];
}

function addDeliveries(group: Command, io: Io): void {
  group
    .command('deliveries')
    .description('list what was delivered or is to be, newest first')
    .argument('<webhook>', 'id of the webhook')
    .option('--state <state>', 'only those that are pending, delivered or failed')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (id: string, { state, ...flags }: DeliveriesFlags, command: Command) => {
      const query = { limit: pageSize(flags), ...(state && { state }) };
      const found = clientFor(command, io).webhooks.deliveries(id, query);
      await printList(found, flags, { command, io, columns: DELIVERIES });
    });
}

const DELIVERIES: Columns<WebhookDelivery> = {
  head: ['delivery', 'event', 'subject', 'state', 'tries', 'last answer', 'next try'],
  row: ({ id, type, subject, state, attempts, next_attempt_at }) => {
    const last = attempts.at(-1);
    const answer = last?.error ?? last?.status_code ?? null;
    return [id, type, subject, state, attempts.length, answer, next_attempt_at];
  },
};

interface RedeliverFlags {
  since?: string;
  onlyFailed?: true;
}

function addRedeliver(group: Command, io: Io): void {
  group
    .command('redeliver')
    .description('send one delivery again, or all since a time')
    .argument('<webhook>', 'id of the webhook')
    .argument('[delivery]', 'id of the delivery')
    .option('--since <time>', 'all of events since then, such as 2026-01-24T00:00:00Z')
    .option('--only-failed', 'with --since: leave out those that were delivered')
    .action(async (id: string, delivery: string | undefined, flags: RedeliverFlags, command: Command) => {
      const { since, onlyFailed = false } = flags;
      if ((delivery === undefined) === (since === undefined))
        throw new UsageError('Name a delivery, or a time with --since');
      const { webhooks } = clientFor(command, io);
      if (delivery !== undefined) {
        const queued = await webhooks.redeliver(id, delivery);
        return wantsJson(command) ? printJson(io, queued) : print(io, queued.id);
      }
      const redelivering = await redeliverAll(webhooks, id, {
        since: since ?? '',
        only_failed: onlyFailed,
      });
      if (wantsJson(command)) return printJson(io, { redelivering });
      print(io, `${redelivering} deliveries are sent again.`);
    });
}

/** Asks again until all are queued. Returns how many they are. */
async function redeliverAll(
  webhooks: CoordinatorClient['webhooks'],
  id: string,
  request: RedeliverSince,
): Promise<number> {
  let count = 0;
  for (let since: string | null = request.since; since !== null; ) {
    const { redelivering, next_since } = await webhooks.redeliverSince(id, { ...request, since });
    count += redelivering;
    since = next_since;
  }
  return count;
}

function addChange(
  group: Command,
  io: Io,
  name: string,
  description: string,
  change: (client: CoordinatorClient, id: string) => Promise<Webhook>,
): void {
  group
    .command(name)
    .description(description)
    .argument('<webhook>', 'id of the webhook')
    .action(async (id: string, _: object, command: Command) => {
      const webhook = await change(clientFor(command, io), id);
      if (wantsJson(command)) return printJson(io, webhook);
      print(io, fieldList({ Webhook: webhook.id, State: webhook.state }));
    });
}

function addDelete(group: Command, io: Io): void {
  group
    .command('delete')
    .description('delete a webhook; nothing more is delivered to it')
    .argument('<webhook>', 'id of the webhook')
    .action(async (id: string, _: object, command: Command) => {
      await clientFor(command, io).webhooks.delete(id);
      if (wantsJson(command)) printJson(io, { id, deleted: true });
    });
}
