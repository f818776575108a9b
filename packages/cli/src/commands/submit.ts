import type { JobRequest } from '@aitbc/sdk';
import type { Command } from 'commander';
import { integer, nameList, number, pair, positiveInteger, readInput } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { progressOf } from '../describe.ts';
import { Interruption, UsageError } from '../failure.ts';
import { follow, requireResult } from '../follow.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { fieldList } from '../table.ts';
import { watch } from '../watch.ts';

interface SubmitFlags {
  model: string;
  fallbackModels?: string[];
  wait?: boolean;
  stream?: boolean;
  timeout?: number;
  param?: Record<string, unknown>;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  priority?: number;
  ttl?: number;
  maxAttempts?: number;
  replication?: number;
  minVram?: number;
  minContext?: number;
  region?: string;
  onlyMiners?: string[];
  firstMiners?: string[];
  notMiners?: string[];
  onlyOwners?: string[];
  firstOwners?: string[];
  notOwners?: string[];
  maxPrice?: number;
  metadata?: Record<string, unknown>;
  idempotencyKey?: string;
  dryRun?: boolean;
}

export function addSubmitCommand(program: Command, io: Io): void {
  program
    .command('submit')
    .description('submit a job, and with --wait or --stream print its result')
    .argument('<prompt>', 'the prompt; - reads it from the standard input')
    .option('-m, --model <name>', 'the model to run', 'llama3.2')
    .option(
      '--fallback-models <names>',
      'models to use if it cannot be run soon or fails, best first',
      nameList,
    )
    .option('-w, --wait', 'wait until the job has ended and print its result')
    .option('-s, --stream', 'print the text as it is generated')
    .option('--timeout <seconds>', 'the longest wait, with --wait', number)
    .option('--max-tokens <n>', 'the most tokens to generate', integer)
    .option('--temperature <t>', 'randomness, 0 to 2', number)
    .option('--top-p <p>', 'nucleus sampling, above 0 and up to 1', number)
    .option('-p, --param <name=value>', 'any other parameter of the engine; can be repeated', pair)
    .option('--priority <n>', 'jobs with a higher priority run first, -10 to 10', integer)
    .option('--ttl <seconds>', 'the job fails when no miner claims it in this time', positiveInteger)
    .option('--max-attempts <n>', 'how many claims may fail before the job fails', positiveInteger)
    .option('--replication <n>', "run it on n owners' miners, and take the result of most", positiveInteger)
    .option('--min-vram <gb>', 'GPU memory that the miner must have', integer)
    .option('--min-context <tokens>', 'context that the model must have at the miner', positiveInteger)
    .option('--region <name>', 'where the miner must be')
    .option('--only-miners <ids>', 'only these miners get the job, separated by commas', nameList)
    .option('--first-miners <ids>', 'these miners go first while one of them is free', nameList)
    .option('--not-miners <ids>', 'these miners never get the job', nameList)
    .option('--only-owners <addresses>', 'the same for all miners of these owners', nameList)
    .option('--first-owners <addresses>', 'the same for all miners of these owners', nameList)
    .option('--not-owners <addresses>', 'the same for all miners of these owners', nameList)
    .option('--max-price <credits>', 'the most that the job may cost', number)
    .option('--metadata <name=value>', 'your own data for the job; can be repeated', pair)
    .option('--idempotency-key <key>', 'sending the same job with the same key again creates no second job')
    .option('--dry-run', 'submit nothing; print what the job may cost and when it would start')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc submit "Explain quantum computing" --model llama3.2 --wait
  $ aitbc submit "Tell a long story" --stream
  $ aitbc submit - --max-tokens 256 --temperature 0.7 --wait < prompt.txt > answer.txt
  $ aitbc submit "Name three colours" --param stop='["\\n\\n"]' --param seed=7
  $ aitbc submit "What is 6 times 7?" --replication 3 --temperature 0 --param seed=7

Without --wait and --stream it prints the id of the job, for \`aitbc jobs get ID\`. With --stream --json it prints each
event as a line of JSON.`,
    )
    .action(async (prompt: string, flags: SubmitFlags, command: Command) => {
      const text = prompt === '-' ? (await readInput(io)).replace(/\r?\n$/, '') : prompt;
      if (text === '') throw new UsageError('The prompt is empty');
      if (flags.stream && flags.wait) throw new UsageError('--stream already waits: omit --wait');
      if (flags.dryRun) await preview(requestFor(text, flags), command, io);
      else await run(requestFor(text, flags), flags, command, io);
    });
}

async function preview(request: JobRequest, command: Command, io: Io): Promise<void> {
  const found = await clientFor(command, io).jobs.preview(request);
  if (wantsJson(command)) {
    printJson(io, found);
    return;
  }
  const { model, price, cost, available, queue, models } = found;
  const unit = price.unit === 'token' ? '1,000 tokens' : 'GPU second';
  const start = queue.estimated_start_seconds;
  print(
    io,
    fieldList({
      ...(models && { Model: `${model}, of ${models.map(named => named.model).join(', ')}` }),
      Price: `${price.credits} credits for one ${unit}`.replace('one 1,000', '1,000'),
      'Costs at most': cost.most,
      Usually: `up to ${cost.usual}`,
      Available: available,
      Miners: queue.eligible_miners,
      'Starts in': start === null ? null : `about ${start} s`,
      Reason: queue.reason,
    }),
  );
}

async function run(request: JobRequest, flags: SubmitFlags, command: Command, io: Io): Promise<void> {
  const client = clientFor(command, io);
  const json = wantsJson(command);
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() => interrupted.abort(new Interruption(UNANSWERED)));
  const submitted = await client.jobs
    .submit(request, { idempotencyKey: flags.idempotencyKey, signal: interrupted.signal })
    .finally(unsubscribe);
  if (flags.stream) {
    const first = progressOf(submitted);
    if (!json) note(io, first);
    await watch(client, submitted.job_id, io, { json, first });
  } else if (flags.wait) {
    const { timeout } = flags;
    const first = json ? undefined : progressOf(submitted);
    const job = await follow(client, submitted.job_id, io, { timeout, first, patient: true });
    if (json) printJson(io, job);
    requireResult(job);
    if (!json) print(io, job.result ?? '');
  } else if (json) {
    printJson(io, submitted);
  } else {
    print(io, submitted.job_id);
    note(io, `${progressOf(submitted)}\nSee its result with \`aitbc jobs get ${submitted.job_id} --wait\`.`);
  }
}

const UNANSWERED = 'Stopped before the coordinator answered. `aitbc jobs list` shows whether the job exists.';

function requestFor(prompt: string, flags: SubmitFlags): JobRequest {
  const { model, priority, metadata } = flags;
  return {
    prompt,
    model,
    params: given({
      ...flags.param,
      max_tokens: flags.maxTokens,
      temperature: flags.temperature,
      top_p: flags.topP,
    }),
    constraints: given({
      min_vram_gb: flags.minVram,
      min_context: flags.minContext,
      region: flags.region,
      max_price: flags.maxPrice,
      miners: chosen({ only: flags.onlyMiners, first: flags.firstMiners, not: flags.notMiners }),
      owners: chosen({ only: flags.onlyOwners, first: flags.firstOwners, not: flags.notOwners }),
    }),
    ...given({
      models: flags.fallbackModels,
      priority,
      metadata,
      stream: flags.stream,
      ttl_seconds: flags.ttl,
      max_attempts: flags.maxAttempts,
      replication: flags.replication,
    }),
  };
}

/** Removes undefined properties, so that they override nothing and are not sent. */
function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The miners or owners that the flags name, or undefined if they name none. */
function chosen(lists: Record<'only' | 'first' | 'not', string[] | undefined>) {
  const named = given(lists);
  return Object.keys(named).length === 0 ? undefined : named;
}
