import type { Answer, TestCoordinator } from '../harness/coordinator.ts';
import { type Chosen, isRunningOn, type Model, type ModelJob } from './model.ts';

/** One request that somebody makes. Who acts is the number of a key; jobs and miners are told by their ids. */
export type Action =
  | {
      kind: 'submit';
      by: number;
      model: string;
      models?: string[];
      priority: number;
      region?: string;
      chosen?: Chosen;
      ttl?: number;
      attempts?: number;
      key?: string;
    }
  | { kind: 'read' | 'cancel'; by: number; job: string }
  | {
      kind: 'register';
      by: number;
      miner: string;
      models: string[];
      region: string | null;
      concurrency: number | null;
    }
  | { kind: 'available' | 'drain'; by: number; miner: string }
  | { kind: 'claims'; by: number; miner: string; max: number }
  | { kind: 'claim' | 'complete' | 'release'; by: number; miner: string; job: string }
  | { kind: 'fail'; by: number; miner: string; job: string; how: keyof typeof REPORTS }
  | { kind: 'heartbeat'; by: number; miner: string; jobs: string[] };

/** Reports of failures, those of older miners among them. */
export const REPORTS = {
  broken: { retryable: true },
  final: { retryable: false },
  refused: { error_class: 'refused', retryable: false },
  unsupported: { error_class: 'unsupported' },
  busy: { error_class: 'busy' },
};

/** The coordinator as a history sees it. */
export interface Real {
  coordinator: TestCoordinator;
  /** Of each of those who act, both client and owner of miners. */
  keys: readonly string[];
  /** The addresses of their accounts. */
  addresses: readonly string[];
}

/** The body of a submission, by which an idempotency key knows it again. */
export function bodyOf(
  action: Extract<Action, { kind: 'submit' }>,
  addresses: readonly string[] = [],
): object {
  const { model, models, priority, region, chosen, ttl, attempts } = action;
  const { owner, ...miners } = chosen ?? {};
  const constraints = {
    ...(region !== undefined && { region }),
    ...(Object.keys(miners).length > 0 && { miners }),
    ...(owner !== undefined && { owners: { only: [addresses[owner] ?? `owner ${owner}`] } }),
  };
  return {
    prompt: 'Hello',
    model,
    ...(models && { models }),
    priority,
    ...(Object.keys(constraints).length > 0 && { constraints }),
    ...(ttl !== undefined && { ttl_seconds: ttl }),
    ...(attempts !== undefined && { max_attempts: attempts }),
  };
}

/** Makes the request. */
export function perform({ coordinator, keys, addresses }: Real, action: Action): Promise<Answer> {
  const send = (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    coordinator.call(method, `/v1/${path}`, body, {
      key: keys[action.by] ?? '',
      ...(headers && { headers }),
    });
  switch (action.kind) {
    case 'submit':
      return send(
        'POST',
        'jobs',
        bodyOf(action, addresses),
        action.key ? { 'idempotency-key': action.key } : undefined,
      );
    case 'read':
      return send('GET', `jobs/${action.job}`);
    case 'cancel':
      return send('POST', `jobs/${action.job}/cancel`);
    case 'register': {
      const { miner, models, region, concurrency } = action;
      const more = { ...(region !== null && { region }), ...(concurrency !== null && { concurrency }) };
      return send('POST', 'miners/register', { miner_id: miner, capabilities: models, ...more });
    }
    case 'available':
      return send('GET', `jobs/available?miner_id=${action.miner}`);
    case 'drain':
      return send('POST', `miners/${action.miner}/drain`);
    case 'claims':
      return send('POST', `miners/${action.miner}/claims`, { max: action.max });
    case 'heartbeat':
      return send('POST', `miners/${action.miner}/heartbeat`, { jobs: action.jobs });
    case 'fail': {
      const report = { miner_id: action.miner, error: 'Out of memory', ...REPORTS[action.how] };
      return send('POST', `jobs/${action.job}/fail`, report);
    }
    case 'complete':
      return send('POST', `jobs/${action.job}/complete`, { miner_id: action.miner, result: 'Hello, you!' });
    default:
      return send('POST', `jobs/${action.job}/${action.kind}`, { miner_id: action.miner });
  }
}

/** Which job an action is about, where that is only known when its turn comes. */
export interface JobChoice {
  /** `held`: one that the miner holds; `running`, `pending`: one in that state; each any one if there is none. */
  among: 'any' | 'held' | 'running' | 'pending';
  /** Which of them. */
  pick: number;
}

export function chooseJob(model: Model, { among, pick }: JobChoice, minerId?: string): string {
  const isMeant = (job: ModelJob) =>
    among === 'held' ? isRunningOn(job, minerId ?? '') : among === 'any' || job.status === among;
  const meant = model.jobs.filter(isMeant);
  const jobs = meant.length > 0 ? meant : model.jobs;
  return jobs[pick % jobs.length]?.id ?? 'job-none';
}
