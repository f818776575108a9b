import type { Job, Receipt } from '@aitbc/protocol';
import { AitbcError, CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import { randomNumbers } from '../harness/random.ts';

/** What clients and miners were told, and may therefore rely on. */
export interface Acknowledged {
  /** Ids of the jobs by the idempotency key they were submitted with. */
  submitted: Map<string, string[]>;
  /** By job. */
  receipts: Map<string, Receipt>;
}

export interface Load {
  acknowledged: Acknowledged;
  /** Several clients submit so many jobs in all, some at once; resolves when all are acknowledged. */
  submit(jobs: number): Promise<void>;
  /** Resolves when so many more jobs are completed, as their miners were told. */
  completions(more: number): Promise<void>;
  /** Resolves when all that was submitted is completed and the miners are idle. Rejects when an answer was wrong. */
  finish(): Promise<void>;
}

const CLIENTS = 6;
const MODELS = ['a', 'b', 'c'];

/** Clients that submit when told to, and miners that run what they get, each at another of the coordinators. */
export function startLoad(urls: readonly string[], miners: number, seed: number): Load {
  const submitted = new Map<string, string[]>();
  const receipts = new Map<string, Receipt>();
  const waiting = new Set<{ atSize: number; resolve(): void }>();
  let jobs = 0;
  let isOver = false;

  /**
   * A caller with a coordinator of its own. What fails is tried again, as the SDK does; if that does not help, at the
   * next coordinator, as a load balancer would.
   */
  function connect(number: number) {
    const random = randomNumbers(seed + number);
    const clients = urls.map(url => new CoordinatorClient(url, { timeout: 5_000, maxRetries: 1, random }));
    let at = number;
    return async <T>(call: (client: CoordinatorClient) => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await call(clients[at % clients.length] as CoordinatorClient);
        } catch (error) {
          const isRefused = isCoordinatorError(error) && error.status < 500;
          if (isRefused || !(error instanceof AitbcError)) throw error;
          at++;
        }
      }
    };
  }

  const callers = Array.from({ length: CLIENTS }, (_, number) => connect(number));

  async function submitAs(number: number, count: number): Promise<void> {
    const call = callers[number] ?? connect(number);
    for (let left = count; left > 0; ) {
      const key = `client-${number}-${left}-${submitted.size}`;
      const size = Math.min(left, left % 2 === 0 ? 25 : 1);
      const job = (index: number) => ({
        prompt: `${key}/${index}`,
        model: MODELS[index % 3] ?? '',
        max_attempts: 100,
      });
      const batch = Array.from({ length: size }, (_, index) => job(index));
      const made: Job[] = await call(client => client.jobs.submitBatch(batch, { idempotencyKey: key }));
      submitted.set(
        key,
        made.map(({ job_id }) => job_id),
      );
      left -= size;
    }
  }

  async function mine(number: number): Promise<void> {
    const call = connect(CLIENTS + number);
    const random = randomNumbers(seed - number);
    const id = `miner-${number}`;
    // Some die with what they hold.
    const dies = number % 15 === 0;
    await call(client => client.miners.register({ miner_id: id, capabilities: MODELS, concurrency: 16 }));
    while (!isOver) {
      const max = 1 + Math.floor(random() * 8);
      await call(client => client.miners.claimJobs(id, { max, wait: 1 }));
      if (dies && random() < 0.05) return;
      // What was claimed and never heard of is known to the coordinator.
      const { jobs: held } = await call(client => client.miners.heartbeat(id));
      for (const { job_id } of held) await complete(id, job_id, call);
    }
  }

  async function complete(minerId: string, jobId: string, call: ReturnType<typeof connect>): Promise<void> {
    try {
      const completion = { miner_id: minerId, result: `The answer to ${jobId}` };
      const receipt = await call(client => client.jobs.complete(jobId, completion));
      if (receipts.has(jobId)) throw new Error(`${jobId} was completed twice`);
      receipts.set(jobId, receipt);
      for (const waiter of waiting) if (receipts.size >= waiter.atSize) waiter.resolve();
    } catch (error) {
      // It took too long, and another miner has the job.
      if (!isCoordinatorError(error, 'JOB_NOT_LEASED', 'JOB_ALREADY_COMPLETED')) throw error;
    }
  }

  const mining = Promise.all(Array.from({ length: miners }, (_, number) => mine(number)));
  // Told by whoever waits.
  mining.catch(() => {});
  const untilCompleted = (atSize: number) =>
    Promise.race([
      mining,
      new Promise<void>(resolve => {
        if (receipts.size >= atSize) resolve();
        waiting.add({ atSize, resolve });
      }),
    ]).then(() => {});

  return {
    acknowledged: { submitted, receipts },
    async submit(count) {
      jobs += count;
      await Promise.all(callers.map((_, number) => submitAs(number, shareOf(count, number))));
    },
    completions: more => untilCompleted(receipts.size + more),
    async finish() {
      await untilCompleted(jobs);
      isOver = true;
      await mining;
    },
  };
}

const shareOf = (count: number, number: number) => Math.floor((count + number) / CLIENTS);
