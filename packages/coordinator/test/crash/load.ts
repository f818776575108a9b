import type { HeartbeatAnswer, Job, MinerJob, Problem } from '@aitbc/protocol';

/** One request: the server's answer as text, or an error when the server went away before it. */
export type Send = (method: string, path: string, body?: object, key?: string) => Promise<Reply>;

export interface Reply {
  status: number;
  text: string;
}

/** What the clients and miners were told, and may therefore rely on. */
export interface Acknowledged {
  /** Ids of the jobs by the idempotency key they were submitted with. */
  submitted: Map<string, string[]>;
  /** The receipt, byte for byte, by job. */
  completed: Map<string, string>;
  cancelled: Set<string>;
}

export interface Load {
  acknowledged: Acknowledged;
  /** Rejects as soon as an answer is wrong. */
  goesOn: Promise<unknown>;
  /** Ends submissions; resolves when the miners have run all that was waiting. */
  finish(): Promise<void>;
}

const MODEL = 'llama3.2';

/**
 * Clients that submit and cancel, and miners that run what they get, all at once and without a pause. `send` is
 * expected to repeat a request until a server answers it.
 */
export function startLoad(send: Send, random: () => number): Load {
  const submitted = new Map<string, string[]>();
  const completed = new Map<string, string>();
  const cancelled = new Set<string>();
  const recent: string[] = [];
  let over = false;

  async function submitter(name: string): Promise<void> {
    for (let count = 0; !over; count++) {
      const key = `${name}-${count}`;
      const ids = await submit(send, key);
      submitted.set(key, ids);
      recent.push(...ids);
    }
  }

  async function canceller(): Promise<void> {
    while (!over) {
      const id = recent.splice(Math.floor(random() * recent.length), 1)[0];
      if (id === undefined) await send('GET', '/health');
      else if (random() < 0.3 && (await wasCancelled(id))) cancelled.add(id);
    }
  }

  async function wasCancelled(id: string): Promise<boolean> {
    const { status, text } = await send('POST', `/v1/jobs/${id}/cancel`);
    const code = status === 409 ? (JSON.parse(text) as Problem).error_code : undefined;
    // The server may have gone after it cancelled the job and before it said so.
    if (status === 200 || code === 'JOB_ALREADY_CANCELLED') return true;
    if (code === 'JOB_ALREADY_COMPLETED') return false;
    throw new Error(`A cancellation was answered ${status} ${text}`);
  }

  async function miner(id: string): Promise<void> {
    await expectStatus(
      [200, 201],
      send('POST', '/v1/miners/register', { miner_id: id, capabilities: [MODEL] }),
    );
    for (;;) {
      const max = 1 + Math.floor(random() * 4);
      const claimed = await expectStatus([200], send('POST', `/v1/miners/${id}/claims`, { max }));
      const jobs = (JSON.parse(claimed) as { jobs: MinerJob[] }).jobs.map(({ job_id }) => job_id);
      // A claim whose answer was lost is known to the coordinator: a heartbeat tells of it.
      const beat = await expectStatus([200], send('POST', `/v1/miners/${id}/heartbeat`, { jobs }));
      const held = (JSON.parse(beat) as HeartbeatAnswer).jobs.map(({ job_id }) => job_id);
      for (const job of held) await complete(id, job);
      if (over && held.length === 0 && (await pendingJobs()) === 0) return;
    }
  }

  async function complete(id: string, job: string): Promise<void> {
    const body = { miner_id: id, result: `The answer to ${job}` };
    const { status, text } = await send('POST', `/v1/jobs/${job}/complete`, body);
    if (status === 200) completed.set(job, text);
    else if (status !== 409 || (JSON.parse(text) as Problem).error_code !== 'JOB_ALREADY_CANCELLED')
      throw new Error(`A completion was answered ${status} ${text}`);
  }

  async function pendingJobs(): Promise<number> {
    return JSON.parse(await expectStatus([200], send('GET', '/v1/stats'))).pending_jobs;
  }

  const clients = [submitter('first'), submitter('second'), submitter('third'), canceller()];
  const miners = [miner('miner1'), miner('miner2'), miner('miner3')];
  const all = Promise.all([...clients, ...miners]);
  return {
    acknowledged: { submitted, completed, cancelled },
    goesOn: all,
    async finish() {
      over = true;
      await all;
    },
  };
}

/** Submits one job, or a few, under a key. Answers their ids. */
export async function submit(send: Send, key: string): Promise<string[]> {
  const job = { prompt: key, model: MODEL };
  if (key.length % 2 === 0) {
    const text = await expectStatus([201], send('POST', '/v1/jobs', job, key));
    return [(JSON.parse(text) as Job).job_id];
  }
  const jobs = [job, job, job];
  const text = await expectStatus([201], send('POST', '/v1/jobs/batch', { jobs }, key));
  return (JSON.parse(text) as { jobs: Job[] }).jobs.map(({ job_id }) => job_id);
}

async function expectStatus(statuses: readonly number[], reply: Promise<Reply>): Promise<string> {
  const { status, text } = await reply;
  if (!statuses.includes(status)) throw new Error(`Expected ${statuses}, was answered ${status} ${text}`);
  return text;
}
