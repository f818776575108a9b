import { PART_LENGTH } from '../files/splitting.ts';
import { OpenAiError } from '../gateway/errors.ts';
import { type EndedJob, readBatchJobs } from '../jobs/batch-jobs.ts';
import { type BatchRow, placeOf } from './batch.ts';
import type { Line } from './lines.ts';
import { attempt, endpointOf, requestLines } from './reading.ts';
import { readRequest } from './requests.ts';
import { type Result, resultOf } from './results.ts';
import type { WorkOptions } from './work-options.ts';

type Options = Pick<WorkOptions, 'store' | 'config' | 'ids' | 'operations'>;

/** Requests, and their characters, that are in memory at once with their results. */
const AT_ONCE = 32;
const CHARACTERS_AT_ONCE = 16 * 1024 * 1024;
/** Of one transaction. */
const MOST_REQUESTS = 512;

/** Writes what became of the next requests, in the order of the file, until there is a part of a file. */
export async function writePage(batch: BatchRow, options: Options): Promise<boolean> {
  const { store, ids, operations } = options;
  const page = { output: '', errors: '', missing: 0, unusable: 0 };
  const from = placeOf(batch);
  let to = from;
  let count = 0;
  let isLast = true;
  for await (const lines of groups(requestLines(batch, options, from))) {
    const jobs = await jobsOf(batch, lines, options);
    for (const line of lines) {
      const job = jobs.get(line.number);
      const { file, text, unusable } = resultOfLine(batch, line, job);
      page[file] += text;
      if (unusable) page.unusable++;
      if (!job) page.missing++;
      to = line.end;
    }
    count += lines.length;
    isLast = page.output.length + page.errors.length < PART_LENGTH && count < MOST_REQUESTS;
    if (!isLast) break;
  }
  const outcome = await store.write(operations.writePages, {
    batchId: batch.id,
    ...{ from, to, isLast, missing: page.missing, unusable: page.unusable },
    output: { fileId: ids.next('file'), text: page.output },
    errors: { fileId: ids.next('file'), text: page.errors },
  });
  return !outcome.ok || !isLast;
}

async function jobsOf(
  { id }: BatchRow,
  lines: readonly Line[],
  { store }: Options,
): Promise<Map<number, EndedJob>> {
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) return new Map();
  return await readBatchJobs(store, id, first.number, last.number);
}

function resultOfLine(batch: BatchRow, { text = '', number }: Line, job: EndedJob | undefined): Result {
  const endpoint = endpointOf(batch);
  const request = attempt(() => readRequest(text, batch.endpoint, endpoint));
  const isRefused = request instanceof OpenAiError;
  return resultOf({
    ...{ batch, endpoint, line: number, job },
    customId: isRefused ? null : request.customId,
    asked: isRefused ? request : request.asked,
  });
}

async function* groups(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let group: Line[] = [];
  let characters = 0;
  for await (const line of lines) {
    group.push(line);
    characters += line.text?.length ?? 0;
    if (group.length < AT_ONCE && characters < CHARACTERS_AT_ONCE) continue;
    yield group;
    group = [];
    characters = 0;
  }
  if (group.length > 0) yield group;
}
