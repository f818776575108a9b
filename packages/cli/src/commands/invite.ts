import { type ApiKeyWithSecret, CoordinatorClient, type Invitation } from '@aitbc/sdk';
import type { Command } from 'commander';
import { positiveInteger, positiveNumber } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';
import { type ApiKeyFlags, keyFieldsOf, withKeyFlags } from './api-keys.ts';

interface InviteFlags extends ApiKeyFlags {
  uses?: number;
  valid?: number;
}

const DAY_SECONDS = 24 * 3600;

/** `aitbc invite`: invitations, for administrators. */
export function addInviteCommand(program: Command, io: Io): void {
  const group = program
    .command('invite')
    .description('invite people to an account and a key of their own, with an administrator’s key')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc invite create --name Ada --scope client --budget 20
  $ aitbc invite create --scope miner --uses 10 --valid 30
  $ aitbc invite list`,
    );
  withKeyFlags(group.command('create').description('create an invitation and print its link once'))
    .option('--uses <n>', 'how many may join; default: 1', positiveInteger)
    .option('--valid <days>', 'days until the invitation expires; default: 7', positiveNumber)
    .action(async (flags: InviteFlags, command: Command) => {
      const { expires, uses, valid } = flags;
      const { expires_at: _, ...fields } = keyFieldsOf(flags);
      const { invitations } = clientFor(command, io);
      const created = await invitations.create({
        ...fields,
        ...(expires !== undefined && { key_valid_seconds: Math.round(expires * DAY_SECONDS) }),
        ...(uses !== undefined && { uses }),
        ...(valid !== undefined && { valid_seconds: Math.round(valid * DAY_SECONDS) }),
      });
      const link = invitations.link(created.token);
      if (wantsJson(command)) return printJson(io, { ...created, link });
      print(io, fieldList({ Id: created.id, Link: link, Uses: created.uses, Expires: created.expires_at }));
      note(io, 'Send the link to whom you invite: it can not be shown again. They run `aitbc join LINK`.');
    });

  group
    .command('list')
    .description('list invitations, newest first')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (flags: ListFlags, command: Command) => {
      const found = clientFor(command, io).invitations.list({ limit: pageSize(flags) });
      await printList(found, flags, { command, io, columns: COLUMNS });
    });

  group
    .command('revoke')
    .description('revoke an invitation; keys that came of it stay')
    .argument('<id>')
    .action(async (id: string, _flags: object, command: Command) => {
      const revoked = await clientFor(command, io).invitations.revoke(id);
      if (wantsJson(command)) return printJson(io, revoked);
      note(io, `${id} is revoked. Keys that came of it stay: \`aitbc api-keys revoke\` ends them.`);
    });
}

const COLUMNS: Columns<Invitation> = {
  head: ['id', 'name', 'scopes', 'used', 'state', 'created'],
  row: invitation => [
    invitation.id,
    invitation.name,
    invitation.scopes.join(' '),
    `${invitation.used} of ${invitation.uses}`,
    invitation.revoked_at ? 'revoked' : `until ${invitation.expires_at.slice(0, 10)}`,
    invitation.created_at,
  ],
};

/** `aitbc join`: gets an account and a key by an invitation. */
export function addJoinCommand(program: Command, io: Io): void {
  program
    .command('join')
    .description('join a coordinator by the link of an invitation, and print your key once')
    .argument('<link>', 'the link that you were given, with the part after #')
    .addHelpText('after', "\nExample:\n  $ aitbc join 'https://coordinator.example/join#invite_…'")
    .action(async (link: string, _flags: object, command: Command) => {
      const { url, token } = readLink(link);
      const key = await new CoordinatorClient(url, { ...io.client }).invitations.redeem(token);
      if (wantsJson(command)) return printJson(io, { coordinator: url, ...key });
      print(
        io,
        fieldList({
          Key: key.key,
          Scopes: key.scopes.join(' '),
          Account: key.account,
          Models: key.allowed_models?.join(', '),
          Expires: key.expires_at,
        }),
      );
      note(io, 'Save the key now: it can not be shown again. What to do next:');
      print(io, nextSteps(url, key));
    });
}

function readLink(link: string): { url: string; token: string } {
  const parsed = URL.canParse(link) ? new URL(link) : undefined;
  const token = parsed?.hash.slice(1) ?? '';
  if (!parsed || !/^https?:$/.test(parsed.protocol) || token === '')
    throw new UsageError('That is not the link of an invitation: it ends with # and a token. Quote it.');
  return { url: parsed.origin + parsed.pathname.replace(/\/join\/?$/, ''), token };
}

function nextSteps(url: string, { key, scopes, allowed_models }: ApiKeyWithSecret): string {
  const model = allowed_models?.[0] ?? 'MODEL';
  return [
    '',
    `export AITBC_COORDINATOR=${url}`,
    `export AITBC_API_KEY=${key}`,
    ...(scopes.includes('client') ? [`aitbc submit "Hello" --model ${model} --wait`] : []),
    ...(scopes.includes('miner') ? ['aitbc miner --help'] : []),
    ...(scopes.includes('keys') ? ['aitbc api-keys create --scope client --name "a program"'] : []),
    'aitbc api-keys current',
  ].join('\n');
}
