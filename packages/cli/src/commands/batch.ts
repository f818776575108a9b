import { openAsBlob } from 'node:fs';
import type { Batch, CoordinatorClient, FileObject } from '@aitbc/sdk';
import type { Command } from 'commander';
import { positiveInteger, readInput } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { CommandFailure, Interruption, message } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList } from '../table.ts';

export function addBatchCommand(program: Command, io: Io): void {
  const group = program
    .command('batch')
    .description('have a file of requests answered when there is time for them')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc batch submit requests.jsonl --wait > answers.jsonl
  $ aitbc batch submit requests.jsonl --window 7d
  $ aitbc batch list
  $ aitbc batch get batch_01kc0pq5w8e4z9k3v7t2m6n1rx
  $ aitbc batch results batch_01kc0pq5w8e4z9k3v7t2m6n1rx > answers.jsonl

Each line of the file is a request:
  {"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"llama3.2","messages":[…]}}`,
    );
  addSubmit(group, io);
  addList(group, io);
  addGet(group, io);
  addResults(group, io);
  addCancel(group, io);
}

interface SubmitFlags {
  endpoint?: string;
  window?: string;
  wait?: boolean;
}

function addSubmit(group: Command, io: Io): void {
  group
    .command('submit')
    .description('upload a file of requests and begin the batch that answers them')
    .argument('<file>', 'JSON lines, a request in each; - reads the standard input')
    .option('--endpoint <path>', 'where its requests go; the url of the first one unless given')
    .option('--window <time>', 'what is not answered in it is given up: 24h, or 1h to 30d')
    .option('-w, --wait', 'wait until the batch has ended, and print its results')
    .action(async (path: string, flags: SubmitFlags, command: Command) => {
      const client = clientFor(command, io);
      const content = path === '-' ? new Blob([await readInput(io)]) : await openFile(path);
      const endpoint = flags.endpoint ?? (await endpointIn(content, path));
      const filename = path === '-' ? 'requests.jsonl' : path.replace(/^.*[/\\]/, '');
      const file = await client.files.create({ file: content, filename });
      const begun = await begin(client, file, { ...flags, endpoint });
      if (flags.wait) return await waitAndPrint(client, begun.id, command, io);
      if (wantsJson(command)) return printJson(io, begun);
      print(io, begun.id);
      note(io, `See how far it is with \`aitbc batch get ${begun.id}\`.`);
    });
}

async function openFile(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (error) {
    throw new CommandFailure(`${path} can not be read: ${message(error)}`);
  }
}

/** Longer than a request with its images. */
const LONGEST_LINE = 64 * 1024 * 1024;

async function firstLine(content: Blob): Promise<string> {
  let text = '';
  for await (const part of content.stream().pipeThrough(new TextDecoderStream())) {
    text = (text + part).trimStart();
    if (text.includes('\n') || text.length > LONGEST_LINE) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

async function endpointIn(content: Blob, path: string): Promise<string> {
  try {
    const { url } = JSON.parse(await firstLine(content));
    if (typeof url === 'string') return url;
  } catch {
    // Told below.
  }
  throw new CommandFailure(
    `The first line of ${path} is no request with a url: {"custom_id":…,"method":"POST","url":…,"body":…}`,
  );
}

/** A file whose batch was not begun is of no use to anybody. */
async function begin(
  client: CoordinatorClient,
  file: FileObject,
  { endpoint, window }: { endpoint: string; window?: string },
): Promise<Batch> {
  try {
    return await client.batches.create({
      ...{ input_file_id: file.id, endpoint },
      ...(window === undefined ? {} : { completion_window: window }),
    });
  } catch (error) {
    await client.files.delete(file.id).catch(() => {});
    throw error;
  }
}

async function waitAndPrint(client: CoordinatorClient, id: string, command: Command, io: Io): Promise<void> {
  const interrupted = new AbortController();
  const advice = `See how far it is with \`aitbc batch get ${id}\`, stop it with \`aitbc batch cancel ${id}\`.`;
  const unsubscribe = io.onInterrupt(() => interrupted.abort(new Interruption(`${id} goes on. ${advice}`)));
  const spinner = io.spinner(`Waiting for ${id}`);
  try {
    const onUpdate = (batch: Batch) => spinner.update(progressOf(batch));
    const ended = await client.batches.wait(id, { signal: interrupted.signal, onUpdate });
    spinner.stop();
    await printResults(client, ended, command, io);
  } finally {
    spinner.stop();
    unsubscribe();
  }
}

function progressOf({ id, status, request_counts: { completed, failed, total } }: Batch): string {
  return `${id} ${status}: ${completed} of ${total} answered, ${failed} failed`;
}

/** Prints a line of JSON for each request, and fails where not all were answered. */
async function printResults(
  client: CoordinatorClient,
  batch: Batch,
  command: Command,
  io: Io,
): Promise<void> {
  const { id, status, errors, request_counts } = batch;
  if (status === 'failed' && !wantsJson(command))
    for (const { line, message } of errors?.data ?? []) note(io, `line ${line ?? '?'}: ${message}`);
  for await (const result of client.batches.results(batch)) io.stdout.write(`${JSON.stringify(result)}\n`);
  if (status !== 'completed') throw new CommandFailure(`${progressOf(batch)}: the rest was given up`);
  if (request_counts.failed > 0)
    throw new CommandFailure(`${request_counts.failed} of ${request_counts.total} requests of ${id} failed`);
}

function addList(group: Command, io: Io): void {
  group
    .command('list', { isDefault: true })
    .description('list your batches, newest first')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async (flags: ListFlags, command: Command) => {
      const found = clientFor(command, io).batches.list({ limit: pageSize(flags) });
      await printList(found, flags, { command, io, columns: COLUMNS });
    });
}

const time = (seconds: number | null) =>
  seconds === null ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z').replace('T', ' ');

const COLUMNS: Columns<Batch> = {
  head: ['batch', 'status', 'answered', 'failed', 'of', 'created'],
  row: ({ id, status, request_counts: { completed, failed, total }, created_at }) => [
    ...[id, status, completed, failed, total],
    time(created_at),
  ],
};

function addGet(group: Command, io: Io): void {
  group
    .command('get')
    .description('show how far a batch is')
    .argument('<id>', 'the id of the batch')
    .action(async (id: string, _flags: object, command: Command) => {
      const found = await clientFor(command, io).batches.get(id);
      if (wantsJson(command)) return printJson(io, found);
      const { completed, failed, total } = found.request_counts;
      print(
        io,
        fieldList({
          Batch: found.id,
          Status: found.status,
          Endpoint: found.endpoint,
          Requests: total,
          Answered: completed,
          Failed: failed,
          Created: time(found.created_at),
          Expires: time(found.expires_at),
          'Input file': found.input_file_id,
          'Output file': found.output_file_id,
          'Error file': found.error_file_id,
        }),
      );
      for (const { line, message } of found.errors?.data ?? []) note(io, `line ${line ?? '?'}: ${message}`);
    });
}

function addResults(group: Command, io: Io): void {
  group
    .command('results')
    .description('print what became of each request, as lines of JSON: the answers first, then the errors')
    .argument('<id>', 'the id of the batch, which has ended')
    .action(async (id: string, _flags: object, command: Command) => {
      const client = clientFor(command, io);
      await printResults(client, await client.batches.get(id), command, io);
    });
}

function addCancel(group: Command, io: Io): void {
  group
    .command('cancel')
    .description('cancel a batch: what was answered before stays')
    .argument('<id>', 'the id of the batch')
    .action(async (id: string, _flags: object, command: Command) => {
      const cancelled = await clientFor(command, io).batches.cancel(id);
      if (wantsJson(command)) printJson(io, cancelled);
      else print(io, progressOf(cancelled));
    });
}
