import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  createIds,
  createKey,
  createOperatorKeys,
  listKeys,
  type OperatorKeys,
  openStore,
  RequestError,
  revokeKey,
  SCOPES,
  type Scope,
} from '@aitbc/coordinator';
import { LIMITS } from '@aitbc/protocol';
import { microCredits } from '@aitbc/receipts';
import { type Command, InvalidArgumentError } from 'commander';
import { address, integerFrom, nameList, positiveInteger, positiveNumber } from '../arguments.ts';
import { wantsJson } from '../connection.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { onStore, type StoreFlags, withConfig } from '../store-options.ts';
import { fieldList, table } from '../table.ts';
import { type ApiKeyFlags, changeOf, printSecret, showKey, withChangeFlags } from './api-keys.ts';

type Store = Awaited<ReturnType<typeof openStore>>;

interface ListFlags extends StoreFlags {
  limit: number;
}

interface CreateFlags extends StoreFlags {
  scope: Scope[];
  name?: string;
  expires?: number;
  account?: string;
  trusted?: boolean;
  tier?: string;
  maxPriority?: number;
  model?: string[];
  budget?: number;
  budgetDay?: number;
  budgetMonth?: number;
}

/** `aitbc keys`: works on the coordinator's own store, whether the coordinator runs or not. */
export function addKeysCommand(program: Command, io: Io): void {
  const group = program
    .command('keys')
    .description("create, change and revoke API keys, on the coordinator's machine");

  onStore(group.command('create').description('create a key and print it once'))
    .requiredOption(
      '--scope <scope>',
      `what the key may do: ${SCOPES.join(', ')}; can be repeated`,
      addScope,
      [],
    )
    .option('--name <name>', 'the owner, shown in the list')
    .option('--expires <days>', 'days until it expires; default: never', days)
    .option('--account <address>', 'the account (ait1…) that the key acts for; default: a new one', address)
    .option('--trusted', 'vouch for the owner of miners, so that limits for new owners do not apply')
    .option('--tier <name>', 'the tier of limits from the configuration; default: the default limits')
    .option('--max-priority <n>', 'the highest priority that the key may ask for; default: 0', priority)
    .option('--model <name>', 'a model that the key may use, instead of all; can be repeated', nameList)
    .option('--budget <credits>', 'the most that its jobs may cost in all', positiveNumber)
    .option('--budget-day <credits>', 'the most that they may cost per UTC day', positiveNumber)
    .option('--budget-month <credits>', 'the most that they may cost per UTC month', positiveNumber)
    .addHelpText('after', '\nExample:\n  $ aitbc keys create --scope client --name "the web shop"')
    .action((flags: CreateFlags, command: Command) => createIn(flags, command, io));

  onStore(group.command('list').description('list keys, newest first, without their secrets'))
    .option('--limit <n>', 'how many to list', positiveInteger, 100)
    .action((flags: ListFlags, command: Command) =>
      withStore(flags, io, store => list(store, flags.limit, command, io)),
    );

  onStore(
    withChangeFlags(
      group
        .command('change')
        .description('change what a key may do; what is not named stays as it is')
        .argument('<id>', 'the id of the key in the list'),
    ),
  )
    .addHelpText('after', '\nExample:\n  $ aitbc keys change key-01kc0pq5w8e4z9k3v7t2m6n1rx --budget-day 5')
    .action(async (id: string, flags: ApiKeyFlags & StoreFlags, command: Command) => {
      const change = changeOf(flags);
      await withStore(flags, io, async store => {
        showKey(await managed(store, id, keys => keys.change(id, change)), command, io);
        note(io, 'A running coordinator follows the change within seconds.');
      });
    });

  onStore(
    group
      .command('rotate')
      .description('give a key a new secret and print it once')
      .argument('<id>', 'the id of the key in the list')
      .option('--old-valid <seconds>', 'how long the old secret stays valid', integerFrom(0), 0),
  )
    .addHelpText('after', '\nExample:\n  $ aitbc keys rotate key-01kc0pq5w8e4z9k3v7t2m6n1rx --old-valid 3600')
    .action(async (id: string, flags: StoreFlags & { oldValid: number }, command: Command) => {
      const request = { old_valid_seconds: flags.oldValid };
      await withStore(flags, io, async store =>
        printSecret(await managed(store, id, keys => keys.rotate(id, request)), command, io),
      );
    });

  onStore(
    group.command('revoke').description('revoke a key').argument('<id>', 'the id of the key in the list'),
  ).action((id: string, flags: StoreFlags) => withStore(flags, io, store => revoke(store, id, io)));
}

/** Creates a missing store for a coordinator that starts later, and says so. */
async function createIn(flags: CreateFlags, command: Command, io: Io): Promise<void> {
  await withConfig(flags, io, async config => {
    const isNew = config.databaseUrl === undefined && !existsSync(join(config.data, 'coordinator.db'));
    await withStore(flags, io, store => create(store, flags, command, io), { mustExist: false });
    if (isNew)
      note(io, `There was no coordinator's data in ${config.data}, so a new store was created there.`);
  });
}

async function withStore(
  flags: StoreFlags,
  io: Io,
  use: (store: Store) => Promise<void>,
  { mustExist = true } = {},
): Promise<void> {
  await withConfig(flags, io, async config => {
    const store = await openStore(config, Date.now, { mustExist });
    try {
      await use(store);
    } finally {
      await store.close();
    }
  });
}

async function create(store: Store, flags: CreateFlags, command: Command, io: Io): Promise<void> {
  const expiresAt = flags.expires === undefined ? null : Date.now() + flags.expires * DAY_MS;
  const made = await createKey(store, {
    id: createIds(Date.now).next('key'),
    name: flags.name ?? null,
    scopes: flags.scope,
    expiresAt,
    address: flags.account,
    trusted: flags.trusted,
    tier: flags.tier ?? null,
    maxPriority: flags.maxPriority ?? 0,
    allowedModels: flags.model ?? null,
    budget: budgetOf(flags),
    actor: thisCommand(),
  });
  const fields = { id: made.id, key: made.key, scopes: made.scopes.join(' '), account: made.address };
  if (wantsJson(command)) return printJson(io, { ...fields, scopes: made.scopes });
  print(io, fieldList({ Id: fields.id, Key: fields.key, Scopes: fields.scopes, Account: fields.account }));
  note(io, 'Save the key now: it is not stored and can not be shown again.');
}

async function list(store: Store, limit: number, command: Command, io: Io): Promise<void> {
  const keys = await listKeys(store.read, limit + 1);
  const found = keys.slice(0, limit).map(key => ({
    id: key.id,
    name: key.name,
    scopes: key.scopes.split(' '),
    account: key.address,
    created_at: new Date(key.created_at).toISOString(),
    tier: key.tier,
    max_priority: key.max_priority ?? 0,
    state: stateOf(key),
  }));
  if (wantsJson(command)) return printJson(io, found);
  if (found.length === 0) return note(io, 'No keys yet: `aitbc keys create --scope client` creates one.');
  const rows = found.map(key => [
    key.id,
    key.name,
    key.scopes.join(' '),
    key.state,
    key.created_at,
    key.account,
  ]);
  print(io, table(['id', 'name', 'scopes', 'state', 'created', 'account'], rows));
  if (keys.length > limit) note(io, 'There are more: --limit N shows N of them.');
}

function stateOf({
  revoked_at,
  expires_at,
}: {
  revoked_at: number | null;
  expires_at: number | null;
}): string {
  if (revoked_at !== null) return 'revoked';
  if (expires_at === null) return 'active';
  return expires_at <= Date.now()
    ? 'expired'
    : `active until ${new Date(expires_at).toISOString().slice(0, 10)}`;
}

async function revoke(store: Store, id: string, io: Io): Promise<void> {
  const outcome = await revokeKey(store, id, thisCommand());
  if (!outcome.ok) throw notFound(id);
  note(io, `${id} is revoked. A running coordinator rejects it within seconds.`);
}

const notFound = (id: string) =>
  new CommandFailure(`There is no active key ${id}: \`aitbc keys list\` shows them.`);

/** Does something with a key, and explains a failure as a command does. */
async function managed<Key>(
  store: Store,
  id: string,
  act: (keys: OperatorKeys) => Promise<Key>,
): Promise<Key> {
  try {
    return await act(createOperatorKeys(store, thisCommand()));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw error.info.code === 'API_KEY_NOT_FOUND' ? notFound(id) : new UsageError(error.message);
  }
}

/** Who runs the command, for the audit log. */
function thisCommand() {
  const origin = `${userInfo().username}@${hostname()}`;
  return { source: 'command' as const, keyId: null, account: null, origin, requestId: null };
}

function budgetOf({ budget, budgetDay, budgetMonth }: CreateFlags) {
  if (budget === undefined && budgetDay === undefined && budgetMonth === undefined) return null;
  const micro = (credits: number | undefined) => (credits === undefined ? null : microCredits(credits));
  return { total: micro(budget), day: micro(budgetDay), month: micro(budgetMonth) };
}

const DAY_MS = 24 * 3600 * 1000;

function addScope(value: string, scopes: Scope[]): Scope[] {
  const scope = SCOPES.find(known => known === value);
  if (!scope) throw new InvalidArgumentError(`It must be one of ${SCOPES.join(', ')}.`);
  return [...scopes, scope];
}

function priority(value: string): number {
  const { min, max } = LIMITS.priority;
  const parsed = Number(value);
  if (value.trim() === '' || !Number.isInteger(parsed) || parsed < min || parsed > max)
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  return parsed;
}

function days(value: string): number {
  const parsed = Number(value);
  if (!(parsed > 0 && parsed <= 36_500)) throw new InvalidArgumentError('It must be a number of days.');
  return parsed;
}
