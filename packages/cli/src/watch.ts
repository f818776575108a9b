import type { CoordinatorClient, NumberedJobEvent } from '@aitbc/sdk';
import { failureLine } from './describe.ts';
import { CommandFailure, Interruption } from './failure.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';
import { printable } from './printable.ts';

export interface WatchOptions {
  /** Whether to print each event as a line of JSON. */
  json: boolean;
  /** The state of the job so far, if it is known. */
  first?: string | undefined;
}

/**
 * Prints a job's text as it comes, or what there is of it when it has ended.
 *
 * @throws {CommandFailure} when the job ends without a result
 * @throws {Interruption} on Ctrl-C, which leaves the job alone
 */
export async function watch(
  client: CoordinatorClient,
  jobId: string,
  io: Io,
  { json, first }: WatchOptions,
): Promise<void> {
  const advice = `Continue with \`aitbc jobs watch ${jobId}\`, or stop it with \`aitbc jobs cancel ${jobId}\`.`;
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption(`${jobId} goes on. ${advice}`)),
  );
  const spinner = io.spinner(first ?? `Waiting for ${jobId}`);
  const text = createText(io);
  let failure: string | undefined;
  try {
    for await (const told of client.jobs.events(jobId, { signal: interrupted.signal })) {
      failure = failureIn(told) ?? failure;
      if (json) io.stdout.write(`${JSON.stringify(told)}\n`);
      else if (told.event === 'status' && !text.hasBegun) spinner.update(statusLine(told.data));
      else if (told.event === 'chunk' || told.event === 'result') {
        // The spinner would overwrite the text.
        spinner.stop();
        if (told.event === 'chunk') text.add(told.data.text);
        else text.end(told.data.result);
      } else if (told.event === 'restart') text.restart();
    }
  } finally {
    text.breakOff();
    spinner.stop();
    unsubscribe();
  }
  if (failure !== undefined) throw new CommandFailure(`${jobId} ${failure}`);
}

type Status = Extract<NumberedJobEvent, { event: 'status' }>['data'];

function statusLine({ job_id, status, miner_id }: Status): string {
  return status === 'running' ? `${job_id} is running on ${miner_id}` : `${job_id} is ${status}`;
}

function failureIn(told: NumberedJobEvent): string | undefined {
  if (told.event === 'error') return `failed: ${failureLine(told.data)}`;
  return told.event === 'status' && told.data.status === 'cancelled' ? 'cancelled' : undefined;
}

/** Prints a text piece by piece, and ends it with a line break. */
function createText(io: Io) {
  let printed = '';
  let isOpen = false;
  const write = (piece: string) => {
    printed += piece;
    isOpen ||= piece !== '';
    io.stdout.write(io.stdout.isTTY ? printable(piece) : piece);
  };
  const close = () => {
    if (isOpen) io.stdout.write('\n');
    isOpen = false;
  };
  return {
    get hasBegun() {
      return printed !== '';
    },
    add: write,
    restart() {
      close();
      printed = '';
      note(io, 'Another attempt took over. The text so far is void and starts again.');
    },
    /** Prints the rest of the result that was not streamed. */
    end(result: string | null) {
      if (result?.startsWith(printed)) write(result.slice(printed.length));
      else if (result !== null) {
        close();
        note(io, 'The result differs from the streamed text:');
        write(result);
      }
      io.stdout.write('\n');
      isOpen = false;
    },
    /** In mid-text. */
    breakOff: close,
  };
}
