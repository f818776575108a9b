import {
  type CoordinatorClient,
  isCoordinatorError,
  type Job,
  type JobStatus,
  type JobSummary,
  type ListJobs,
} from '@aitbc/sdk';
import { type Command, Option } from 'commander';
import { number, positiveInteger } from '../arguments.ts';
import { clientFor, hasKey, wantsJson } from '../connection.ts';
import { jobSheet, time } from '../describe.ts';
import { CommandFailure, message } from '../failure.ts';
import { follow, requireResult } from '../follow.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { watch } from '../watch.ts';

const STATUSES: JobStatus[] = ['pending', 'running', 'completed', 'failed', 'cancelled'];

export function addJobsCommand(program: Command, io: Io): void {
  const group = program
    .command('jobs')
    .description('list, show, watch and cancel your jobs')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc jobs list --status failed --limit 50
  $ aitbc jobs get job-01kc0pq5w8e4z9k3v7t2m6n1rx --wait
  $ aitbc jobs watch job-01kc0pq5w8e4z9k3v7t2m6n1rx
  $ aitbc jobs cancel job-01kc0pq5w8e4z9k3v7t2m6n1rx`,
    );
  addList(group, io);
  addGet(group, io);
  addWatch(group, io);
  addCancel(group, io);
}

function addList(group: Command, io: Io): void {
  group
    .command('list', { isDefault: true })
    .description('list your jobs, newest first')
    .addOption(new Option('--status <status>', 'only jobs with this status').choices(STATUSES))
    .option('--model <name>', 'only jobs for this model')
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all, with an administrator’s key those of all accounts; --limit still applies')
    .action(
      async (
        { status, model, ...given }: ListFlags & Pick<ListJobs, 'status' | 'model'>,
        command: Command,
      ) => {
        const isLimited = command.getOptionValueSource('limit') === 'cli';
        const flags = { limit: given.limit, all: given.all === true && !isLimited };
        const client = clientFor(command, io);
        const query = { limit: pageSize(flags), ...(status && { status }), ...(model && { model }) };
        const all = given.all === true && hasKey(command, io) && (await seesAll(client));
        const found = client.jobs.list({ ...query, ...(all && { all }) });
        await printList(found, flags, { command, io, columns: COLUMNS });
      },
    );
}

/** Whether the key is an administrator's. Otherwise `--all` means all jobs of the caller. */
async function seesAll(client: CoordinatorClient): Promise<boolean> {
  try {
    await client.jobs.list({ all: true, limit: 1 }).page();
    return true;
  } catch (error) {
    if (isCoordinatorError(error, 'AUTH_INSUFFICIENT_SCOPE')) return false;
    throw error;
  }
}

const COLUMNS: Columns<JobSummary> = {
  head: ['job', 'status', 'model', 'miner', 'created'],
  row: job => [job.job_id, job.status, job.model, job.miner_id, time(job.created_at)],
};

function addGet(group: Command, io: Io): void {
  group
    .command('get')
    .description('show a job and its result')
    .argument('<id>', 'the id of the job')
    .option('-w, --wait', 'wait until the job has ended')
    .option('--timeout <seconds>', 'the longest wait, with --wait', number)
    .action(async (id: string, flags: { wait?: boolean; timeout?: number }, command: Command) => {
      const client = clientFor(command, io);
      const job = flags.wait ? await follow(client, id, io, flags) : await client.jobs.get(id);
      if (wantsJson(command)) printJson(io, job);
      else print(io, jobSheet(job));
      if (flags.wait) requireResult(job);
    });
}

function addWatch(group: Command, io: Io): void {
  group
    .command('watch')
    .description('print the text of a job from its beginning while it is generated')
    .argument('<id>', 'the id of the job')
    .addHelpText(
      'after',
      `
The text of a job that was not submitted with --stream is printed when the job has ended. With --json each event is a
line of JSON.`,
    )
    .action(async (id: string, _flags: object, command: Command) => {
      await watch(clientFor(command, io), id, io, { json: wantsJson(command) });
    });
}

function addCancel(group: Command, io: Io): void {
  group
    .command('cancel')
    .description('cancel pending or running jobs')
    .argument('<id...>', 'the ids of the jobs')
    .action(async (ids: string[], _flags: object, command: Command) => {
      const client = clientFor(command, io);
      const cancelled: Job[] = [];
      const failures: string[] = [];
      for (const id of ids) {
        try {
          cancelled.push(await client.jobs.cancel(id));
        } catch (error) {
          if (!isCoordinatorError(error, 'JOB_*')) throw error;
          failures.push(`${id}: ${message(error)}`);
        }
      }
      if (wantsJson(command)) printJson(io, cancelled);
      else for (const job of cancelled) print(io, `${job.job_id} cancelled`);
      if (failures.length > 0) throw new CommandFailure(failures.join('\n'));
    });
}
