import type { ApiKey, ApiKeyWithSecret, NewBudget, Scope } from '@aitbc/sdk';
import type { Command } from 'commander';
import { address, integer, integerFrom, nameList, positiveInteger, positiveNumber } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';

/** `aitbc api-keys`: manages keys over HTTP, which needs a key with the scope keys. `aitbc keys` needs the machine. */
export function addApiKeysCommand(program: Command, io: Io): void {
  const group = program
    .command('api-keys')
    .description('manage the API keys of your account, with a key that has the scope keys')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc api-keys create --scope client --name "the web shop" --budget-day 5
  $ aitbc api-keys rotate key-01kc0pq5w8e4z9k3v7t2m6n1rx --old-valid 3600
  $ aitbc api-keys current`,
    );
  addCreate(group, io);
  addRead(group, io);
  addChange(group, io);
  addRotate(group, io);
  addRevoke(group, io);
}

/** The flags that say what a key may do. */
export interface ApiKeyFlags {
  scope?: Scope[];
  name?: string;
  tier?: string;
  maxPriority?: number;
  model?: string[];
  allModels?: boolean;
  budget?: number;
  budgetDay?: number;
  budgetMonth?: number;
  budgetOff?: boolean;
  expires?: number;
  neverExpires?: boolean;
  defaultTier?: boolean;
}

const DAY_MS = 24 * 3600 * 1000;

/** Adds the options that say what a key may do. */
export function withKeyFlags(command: Command): Command {
  return command
    .option('--scope <scope>', 'client, miner, keys or admin; can be repeated', nameList)
    .option('--name <name>', 'shown in lists')
    .option('--tier <name>', 'the tier of limits')
    .option('--max-priority <n>', 'the highest priority of its jobs', integer)
    .option('--model <name>', 'a model that the key may use, instead of all; can be repeated', nameList)
    .option('--budget <credits>', 'the most that its jobs may cost in all', positiveNumber)
    .option('--budget-day <credits>', 'the most that they may cost per UTC day', positiveNumber)
    .option('--budget-month <credits>', 'the most that they may cost per UTC month', positiveNumber)
    .option('--expires <days>', 'days until it expires', positiveNumber);
}

/** Adds the options that say what to change of a key. */
export function withChangeFlags(command: Command): Command {
  return withKeyFlags(command)
    .option('--all-models', 'allow all models')
    .option('--budget-off', 'remove all spend limits')
    .option('--default-tier', 'use the default limits instead of a tier')
    .option('--never-expires', 'remove the expiry');
}

/** Returns the change that the flags ask for. */
export function changeOf(flags: ApiKeyFlags) {
  const change = keyFieldsOf(flags);
  if (Object.keys(change).length === 0) throw new UsageError('Say what to change: --help shows what can');
  return change;
}

/** Returns what the flags say as the fields of a request. What is not said is absent. */
export function keyFieldsOf(flags: ApiKeyFlags) {
  const { scope, name, tier, maxPriority, model, allModels, expires, neverExpires, defaultTier } = flags;
  const budget = budgetOf(flags);
  return {
    ...(scope !== undefined && { scopes: scope }),
    ...(name !== undefined && { name }),
    ...(tier !== undefined && { tier }),
    ...(defaultTier && { tier: null }),
    ...(maxPriority !== undefined && { max_priority: maxPriority }),
    ...(model !== undefined && { allowed_models: model }),
    ...(allModels && { allowed_models: null }),
    ...(budget !== undefined && { budget }),
    ...(expires !== undefined && { expires_at: new Date(Date.now() + expires * DAY_MS).toISOString() }),
    ...(neverExpires && { expires_at: null }),
  };
}

function budgetOf({ budget, budgetDay, budgetMonth, budgetOff }: ApiKeyFlags): NewBudget | null | undefined {
  if (budgetOff) return null;
  if (budget === undefined && budgetDay === undefined && budgetMonth === undefined) return undefined;
  return { total: budget ?? null, day: budgetDay ?? null, month: budgetMonth ?? null };
}

function addCreate(group: Command, io: Io): void {
  withKeyFlags(group.command('create').description('create a key and print its secret once'))
    .option('--account <address>', 'the account that it acts for, for administrators', address)
    .action(async ({ account, ...flags }: ApiKeyFlags & { account?: string }, command: Command) => {
      const { scopes, ...fields } = keyFieldsOf(flags);
      if (!scopes) throw new UsageError('Say what the key may do: --scope client');
      const asked = { scopes, ...fields, ...(account !== undefined && { account }) };
      printSecret(await clientFor(command, io).apiKeys.create(asked), command, io);
    });
}

/** Prints a key with its secret. */
export function printSecret(made: ApiKeyWithSecret, command: Command, io: Io): void {
  if (wantsJson(command)) {
    printJson(io, made);
    return;
  }
  print(io, fieldList({ Id: made.id, Key: made.key, ...fieldsOf(made) }));
  note(io, 'Save the key now: it can not be shown again.');
}

const fieldsOf = (key: ApiKey) => ({
  Name: key.name,
  Scopes: key.scopes.join(' '),
  Account: key.account,
  Tier: key.tier,
  Models: key.allowed_models?.join(', '),
  Budget: budgetText(key),
  Expires: key.expires_at,
  Revoked: key.revoked_at,
  'Old secret valid until': key.old_secret_valid_until,
});

function budgetText({ budget }: ApiKey): string | null {
  if (!budget) return null;
  const periods = ['total', 'day', 'month'] as const;
  const limits = periods.flatMap(period =>
    budget[period] === null ? [] : [`${period} ${budget.spent[period]} of ${budget[period]}`],
  );
  return `${limits.join(', ')}; reserved ${budget.reserved}`;
}

function addRead(group: Command, io: Io): void {
  group
    .command('list')
    .description('list keys, newest first, without their secrets')
    .option('--account <address>', 'only those of this account, for administrators', address)
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async ({ account, ...flags }: ListFlags & { account?: string }, command: Command) => {
      const query = { limit: pageSize(flags), ...(account !== undefined && { account }) };
      await printList(clientFor(command, io).apiKeys.list(query), flags, { command, io, columns: COLUMNS });
    });

  group
    .command('show')
    .description('show a key')
    .argument('<id>')
    .action(async (id: string, _flags: object, command: Command) =>
      showKey(await clientFor(command, io).apiKeys.get(id), command, io),
    );

  group
    .command('current')
    .description('show the key that you use, and what is left of its budget')
    .action(async (_flags: object, command: Command) =>
      showKey(await clientFor(command, io).apiKeys.current(), command, io),
    );
}

/** Prints a key. */
export function showKey(key: ApiKey, command: Command, io: Io): void {
  if (wantsJson(command)) {
    printJson(io, key);
    return;
  }
  print(
    io,
    fieldList({ Id: key.id, ...fieldsOf(key), Created: key.created_at, 'Created by': key.created_by }),
  );
}

const COLUMNS: Columns<ApiKey> = {
  head: ['id', 'name', 'scopes', 'state', 'budget', 'created', 'account'],
  row: key => [
    key.id,
    key.name,
    key.scopes.join(' '),
    key.revoked_at ? 'revoked' : key.expires_at ? `until ${key.expires_at.slice(0, 10)}` : 'active',
    budgetText(key),
    key.created_at,
    key.account,
  ],
};

function addChange(group: Command, io: Io): void {
  withChangeFlags(group.command('change').description('change what a key may do').argument('<id>')).action(
    async (id: string, flags: ApiKeyFlags, command: Command) =>
      showKey(await clientFor(command, io).apiKeys.change(id, changeOf(flags)), command, io),
  );
}

function addRotate(group: Command, io: Io): void {
  group
    .command('rotate')
    .description('give a key a new secret and print it once')
    .argument('<id>')
    .option('--old-valid <seconds>', 'how long the old secret stays valid', integerFrom(0), 0)
    .action(async (id: string, { oldValid }: { oldValid: number }, command: Command) => {
      const rotated = await clientFor(command, io).apiKeys.rotate(id, { old_valid_seconds: oldValid });
      printSecret(rotated, command, io);
    });
}

function addRevoke(group: Command, io: Io): void {
  group
    .command('revoke')
    .description('revoke a key')
    .argument('<id>')
    .action(async (id: string, _flags: object, command: Command) => {
      const revoked = await clientFor(command, io).apiKeys.revoke(id);
      if (wantsJson(command)) return printJson(io, revoked);
      note(io, `${id} is revoked. Coordinators refuse it within seconds.`);
    });
}
