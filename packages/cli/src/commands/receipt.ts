import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  isPublicKey,
  parseStrictJson,
  type TrustedKey,
  verifyDisclosure,
  verifyReceipt,
} from '@aitbc/receipts';
import { ConnectionError, type CoordinatorClient, type Receipt } from '@aitbc/sdk';
import { type Command, InvalidArgumentError } from 'commander';
import { readInput } from '../arguments.ts';
import { connect, wantsJson } from '../connection.ts';
import { CommandFailure, message, UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson, table } from '../output.ts';

export function receipt(program: Command, io: Io): void {
  const group = program
    .command('receipt')
    .description('fetch a receipt, verify one')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc receipt get job-01kc0pq5w8e4z9k3v7t2m6n1rx > receipt.json
  $ aitbc receipt verify receipt.json --key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo`,
    );
  addGet(group, io);
  addVerify(group, io);
}

function addGet(group: Command, io: Io): void {
  group
    .command('get')
    .description('print a receipt as JSON')
    .argument('<id>', 'the id of the receipt, or of its job')
    .action(async (id: string, _flags: object, command: Command) => {
      printJson(io, await fetchReceipt(connect(command, io), id));
    });
}

interface VerifyFlags {
  key?: string[];
  keys?: string;
  salt?: string;
  prompt?: string;
  result?: string;
}

function addVerify(group: Command, io: Io): void {
  group
    .command('verify')
    .description('check a receipt: its form, signatures and arithmetic')
    .argument('<receipt>', 'a file, - for the standard input, or the id of the receipt or of its job')
    .option('--key <key>', 'a key of the coordinator that you trust; can be repeated', addKey)
    .option('--keys <file>', 'a saved answer of GET /v1/keys, whose keys you trust')
    .option('--salt <salt>', 'the salt of the job, to compare a disclosed --prompt or --result')
    .option('--prompt <text>', 'the disclosed prompt')
    .option('--result <text>', 'the disclosed result')
    .addHelpText(
      'after',
      `
A file is checked offline when keys are given. Else the coordinator is asked for its keys, and the check is worth as
much as your trust in it. With the id of a job of yours its prompt and result are compared as well. Exits with 0 when the receipt is valid, with 1 when it is not.

Examples:
  $ aitbc receipt verify rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx
  $ curl -s https://coordinator.example/v1/keys > keys.json
  $ aitbc receipt verify receipt.json --keys keys.json
  $ aitbc receipt verify receipt.json --keys keys.json --salt 00112233445566778899aabbccddeeff --result 42`,
    )
    .action((source: string, flags: VerifyFlags, command: Command) => verify(source, flags, command, io));
}

async function verify(source: string, flags: VerifyFlags, command: Command, io: Io): Promise<void> {
  const disclosed = readDisclosed(flags) ?? (await ownTexts(source, command, io));
  const receipt = await readReceipt(source, command, io);
  const keys = await readKeys(flags, command, io);
  const verification = await verifyReceipt(receipt, { keys });
  const checks = [...verification.checks, ...checkDisclosed(receipt, disclosed)];
  const failed = checks.filter(check => !check.ok);
  if (wantsJson(command)) printJson(io, { valid: failed.length === 0, checks });
  else
    print(
      io,
      table(
        ['', 'check', 'found'],
        checks.map(({ ok, name, detail }) => [ok ? '✓' : '✗', name, detail]),
      ),
    );
  if (failed.length > 0) {
    throw new CommandFailure(`The receipt is not valid: ${failed.map(({ name }) => name).join(', ')}`);
  }
}

const ID = /^(rcpt|job)-[0-9a-z]+$/;

const isId = (source: string) => ID.test(source) && !existsSync(source);

async function readReceipt(source: string, command: Command, io: Io): Promise<unknown> {
  if (source === '-') return parse(await readInput(io), 'The standard input');
  if (isId(source)) return await fetchReceipt(connect(command, io), source);
  return await readJson(source);
}

async function fetchReceipt(client: CoordinatorClient, id: string): Promise<Receipt> {
  return await (id.startsWith('job-') ? client.jobReceipt(id) : client.getReceipt(id));
}

async function readKeys(flags: VerifyFlags, command: Command, io: Io): Promise<TrustedKey[]> {
  const given = [...(flags.key ?? []), ...(flags.keys === undefined ? [] : await readKeyFile(flags.keys))];
  if (flags.key || flags.keys !== undefined) return given;
  try {
    const keys = await connect(command, io).keys();
    if (!wantsJson(command)) note(io, 'The keys are those that the coordinator itself publishes.');
    return keys;
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    throw new CommandFailure(
      `${message(error)}\nIt was asked for its keys: without it, give them with --key KEY or --keys FILE.`,
    );
  }
}

async function readKeyFile(path: string): Promise<TrustedKey[]> {
  const content = await readJson(path);
  const keys: unknown = Array.isArray(content) ? content : Object(content).keys;
  if (!Array.isArray(keys) || !keys.every(isKeyEntry)) {
    throw new CommandFailure(`${path} is not an answer of GET /v1/keys.`);
  }
  return keys;
}

function isKeyEntry(entry: unknown): entry is Exclude<TrustedKey, string> {
  return isPublicKey(Object(entry).key_id);
}

function addKey(key: string, before: readonly string[] = []): string[] {
  if (isPublicKey(key)) return [...before, key];
  throw new InvalidArgumentError(
    'It must be an Ed25519 public key: 43 characters, base64url without padding.',
  );
}

interface Disclosed {
  salt: string;
  prompt?: string | undefined;
  result?: string | undefined;
}

function readDisclosed({ salt, prompt, result }: VerifyFlags): Disclosed | null {
  const hasText = prompt !== undefined || result !== undefined;
  if (hasText !== (salt !== undefined)) {
    throw new UsageError('--salt goes with --prompt or --result: the hashes are of both.');
  }
  return salt === undefined ? null : { salt, prompt, result };
}

/** Who may ask for the job has its texts too: the receipt must be for those. */
async function ownTexts(source: string, command: Command, io: Io): Promise<Disclosed | null> {
  if (!isId(source) || !source.startsWith('job-')) return null;
  const { salt, prompt, result, erased_at } = await connect(command, io).getJob(source);
  if (erased_at !== null) {
    note(
      io,
      `The coordinator has erased the texts of this job. Compare your own with --salt ${salt} and --prompt or --result.`,
    );
  }
  return { salt, prompt: prompt ?? undefined, result: result ?? undefined };
}

function checkDisclosed(receipt: unknown, disclosed: Disclosed | null) {
  if (!disclosed) return [];
  const matches = verifyDisclosure({ receipt: Object(receipt), ...disclosed });
  return (['prompt', 'result'] as const)
    .filter(name => matches[name] !== null)
    .map(name => ({
      name,
      ok: matches[name] === true,
      detail: matches[name]
        ? 'it is what the receipt was made for'
        : 'it is not what the receipt was made for',
    }));
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${path} can not be read: ${message(error)}`);
  }
  return parse(text, path);
}

/** Strict, as a text that repeats a field would show other readers another receipt than it shows here. */
function parse(text: string, origin: string): unknown {
  try {
    return parseStrictJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new CommandFailure(`${origin} is not JSON that a receipt can be read from: ${message(error)}`);
  }
}
