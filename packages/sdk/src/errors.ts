import type { Batch, ErrorCode, FailureClass, Job, JobError, Problem } from '@aitbc/protocol';

/** The base class of all errors of this package. An aborted call rejects with its signal's reason instead. */
export class AitbcError extends Error {
  override name = 'AitbcError';
}

/** The fields of a problem that an answer contains. */
export type StatedProblem = Partial<Omit<Problem, 'error_code'>> & { error_code?: string };

/**
 * An unsuccessful answer of the coordinator, or of a proxy before it. Most statuses have a class of their
 * own: NotFoundError, RateLimitError, …
 */
export class CoordinatorError extends AitbcError {
  override name = 'CoordinatorError';
  /**
   * The contract's code, for programs; `null` when the answer had none, such as a proxy's. Files, batches and
   * models have the codes of OpenAI's API, in lower case.
   */
  readonly errorCode: ErrorCode | (string & {}) | null;
  /** The HTTP status, 0 for a redirect seen in a browser. */
  readonly status: number;
  /** What went wrong with this request, as text for people. */
  readonly detail: string;
  /** The id of the request in the operator's log. */
  readonly requestId: string | null;
  /** The path of the wrong field, with dots: `params.max_tokens`. */
  readonly field: string | null;
  /** Seconds that the coordinator asked to wait before the next try. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: StatedProblem & { detail: string }) {
    super(problem.error_code ? `${problem.detail} (${problem.error_code})` : problem.detail);
    this.status = status;
    this.errorCode = problem.error_code ?? null;
    this.detail = problem.detail;
    this.requestId = problem.request_id ?? null;
    this.field = problem.field ?? null;
    this.retryAfter = problem.retry_after ?? null;
  }
}

/**
 * There was no answer: the name did not resolve, or the connection was rejected or broke. `cause` is what
 * fetch threw.
 */
export class ConnectionError extends AitbcError {
  override name = 'ConnectionError';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`No answer from ${url}: ${reason(cause)}`, { cause });
    this.url = url;
  }
}

/** An answer, or the end of a job, did not come in time. */
export class TimeoutError extends AitbcError {
  override name = 'TimeoutError';
  /** Milliseconds waited. */
  readonly timeout: number;

  constructor(message: string, timeout: number) {
    super(message);
    this.timeout = timeout;
  }
}

/** The job had not ended when the timeout of `jobs.wait` was over. The job itself goes on. */
export class JobTimeoutError extends TimeoutError {
  override name = 'JobTimeoutError';
  readonly jobId: string;
  /** The job as last seen; `null` when the coordinator never answered. */
  readonly job: Job | null;

  constructor(jobId: string, job: Job | null, timeout: number) {
    const seen = job ? `last seen ${job.status}` : 'the coordinator did not answer';
    super(`${jobId} had not ended after ${timeout / 1000} s: ${seen}`, timeout);
    this.jobId = jobId;
    this.job = job;
  }
}

/** A job ended without a result: it failed, or was cancelled. */
export class JobFailedError extends AitbcError {
  override name = 'JobFailedError';
  readonly job: Job;
  /** Why it failed; `null` when it was cancelled. */
  readonly errorCode: JobError['error_code'] | null;
  /** The class of the failure; `null` when the miner did not report one. */
  readonly errorClass: FailureClass | null;
  /** The engine's own code, such as `context_length_exceeded`. */
  readonly engineCode: string | null;
  readonly fault: JobFault;

  constructor(job: Job) {
    const { error } = job;
    super(error ? `${job.job_id}: ${error.detail} (${error.error_code})` : `${job.job_id} was ${job.status}`);
    this.job = job;
    this.errorCode = error?.error_code ?? null;
    this.errorClass = error?.error_class ?? null;
    this.engineCode = error?.engine_code ?? null;
    this.fault = error ? faultOf(error) : 'nobody';
  }
}

/** What must change for a job to succeed: the `request` itself, the `miners`, or only the time (`nobody`). */
export type JobFault = 'request' | 'miners' | 'nobody';

/** Returns whose fault the failure of a job is. */
export function faultOf({ error_code, error_class }: Pick<JobError, 'error_code' | 'error_class'>): JobFault {
  if (error_code === 'JOB_REFUSED' || error_class === 'refused') return 'request';
  return NOBODYS.includes(error_code) ? 'nobody' : 'miners';
}

const NOBODYS: readonly JobError['error_code'][] = [
  'JOB_EXPIRED',
  'JOB_UNREADABLE',
  'JOB_UNSUPPORTED',
  'MINERS_BUSY',
];

/**
 * Returns the job when it has completed.
 *
 * @throws {JobFailedError} when it has ended in another way, or not ended yet
 */
export function requireCompleted(job: Job): Job & { status: 'completed'; result: string } {
  if (job.status !== 'completed') throw new JobFailedError(job);
  return job as Job & { status: 'completed'; result: string };
}

/** A batch failed as a whole: `batch.errors` says what is wrong with which line of its file. */
export class BatchFailedError extends AitbcError {
  override name = 'BatchFailedError';
  readonly batch: Batch;

  constructor(batch: Batch) {
    const [first] = batch.errors?.data ?? [];
    const line = first?.line ? `line ${first.line}: ` : '';
    super(`${batch.id} failed: ${line}${first?.message ?? 'its file can not be used'}`);
    this.batch = batch;
  }
}

/** A part of a batch was accepted before a later part failed with `cause`. */
export class PartialBatchError extends AitbcError {
  override name = 'PartialBatchError';
  /** The accepted jobs, which are the first of the batch, in its order. */
  readonly accepted: Job[];
  /** Submitting the same batch again with this key adds the missing jobs and repeats none. */
  readonly idempotencyKey: string;

  constructor(accepted: Job[], idempotencyKey: string, cause: unknown) {
    super(`The batch stopped after ${accepted.length} jobs: ${reason(cause)}`, { cause });
    this.accepted = accepted;
    this.idempotencyKey = idempotencyKey;
  }
}

/**
 * What is wrong with a log:
 * - `CHECKPOINT_INVALID`: it is not signed as the policy demands, or can't be parsed; `cause` is a
 *   TlogError
 * - `TILE_INVALID`: hashes are not those of the signed tree
 * - `ENTRIES_INVALID`: entries are not those of the signed tree
 * - `MISSING`: the log does not serve something that it must have
 * - `ROLLED_BACK`: it has fewer entries than before
 * - `FORKED`: it does not begin with the earlier tree
 */
export type LedgerErrorCode =
  | 'CHECKPOINT_INVALID'
  | 'TILE_INVALID'
  | 'ENTRIES_INVALID'
  | 'MISSING'
  | 'ROLLED_BACK'
  | 'FORKED';

/** A log does not contain what it has signed. A failed download is another error. */
export class LedgerError extends AitbcError {
  override name = 'LedgerError';
  readonly code: LedgerErrorCode;
  /** The path of the faulty tile: `tile/entries/001.p/44`. `null` when no single tile is at fault. */
  readonly path: string | null;

  /** @param message for people; it may quote the log, which a stranger wrote */
  constructor(code: LedgerErrorCode, message: string, options: ErrorOptions & { path?: string } = {}) {
    super(message, options);
    this.code = code;
    this.path = options.path ?? null;
  }
}

type FamilyOf<Code> = Code extends `${infer Family}_${string}` ? `${Family}_*` : never;
/** All codes with the same beginning: `AUTH_*`, `JOB_*`, `VALIDATION_*`. */
export type ErrorFamily = FamilyOf<ErrorCode>;
type CodesIn<Pattern> = Pattern extends `${infer Family}_*`
  ? Extract<ErrorCode, `${Family}_${string}`>
  : Pattern;

/**
 * Whether `error` is an answer of the coordinator. When codes or families are given, it must also have one of
 * them: `isCoordinatorError(error, 'JOB_NOT_FOUND', 'AUTH_*')`.
 */
export function isCoordinatorError<Pattern extends ErrorCode | ErrorFamily = never>(
  error: unknown,
  ...patterns: Pattern[]
): error is [Pattern] extends [never]
  ? CoordinatorError
  : CoordinatorError & { errorCode: CodesIn<Pattern> } {
  if (!(error instanceof CoordinatorError)) return false;
  const code = error.errorCode ?? '';
  return patterns.length === 0 || patterns.some(pattern => matches(code, pattern));
}

function matches(code: string, pattern: string): boolean {
  return pattern.endsWith('*') ? code.startsWith(pattern.slice(0, -1)) : code === pattern;
}

/** Returns the message of the innermost cause, as fetch itself only says "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
