import type {
  ClaimedJobs,
  ClaimJobs,
  Heartbeat,
  HeartbeatAnswer,
  ListMiners,
  Miner,
  MinerDetail,
  MinerJob,
  MinerProcess,
  PostedChunks,
  PostedStreams,
  PostStreams,
  RegisterMiner,
} from '@aitbc/protocol';
import type { CoordinatorError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type LongPollOptions, Resource } from '../requests.ts';
import { errorOfStatus } from '../status-errors.ts';
import { id } from '../transport.ts';

/** The machines that run jobs. */
export class Miners extends Resource {
  /** Lists the miners by id. */
  list(query: ListMiners = {}, options?: RequestOptions): Paged<Miner> {
    return this.requests.list('/v1/miners', query, options);
  }

  /** Returns a miner, with the pending jobs that it can and can not get now. */
  get(minerId: string, options?: RequestOptions): Promise<MinerDetail> {
    return this.requests.get(pathOf(minerId), options);
  }

  /**
   * Registers a miner, or changes its registration. After another process registers the id, requests with
   * this answer's `epoch` fail with `MINER_SUPERSEDED`.
   */
  register(miner: RegisterMiner, options?: RequestOptions): Promise<Miner> {
    return this.requests.post('/v1/miners/register', miner, options);
  }

  /**
   * Sends a heartbeat, which extends the miner's leases. With `wait`, the answer comes as soon as a job must
   * stop, or after those seconds. `loaded` names the models in memory, for which the miner gets jobs first.
   *
   * @param jobs ids of the jobs that it runs; the answer names those to stop
   */
  heartbeat(
    minerId: string,
    jobs?: readonly string[],
    options: Pick<Heartbeat, 'loaded' | 'epoch'> & LongPollOptions = {},
  ): Promise<HeartbeatAnswer> {
    const { wait, loaded, epoch } = options;
    const body = { jobs, loaded, wait, epoch };
    const path = `${pathOf(minerId)}/heartbeat`;
    return this.requests.send({ method: 'POST', path, body, wait, repeatable: true }, options);
  }

  /**
   * Claims up to `max` jobs (default 1), waiting `wait` seconds for the first. It is not retried when an
   * answer is lost, because the jobs in that answer are leased already; the next heartbeat names them.
   */
  async claimJobs(minerId: string, options: ClaimJobs & LongPollOptions = {}): Promise<MinerJob[]> {
    return (await this.claim(minerId, options)).jobs;
  }

  /**
   * Claims jobs like `claimJobs`. With `explain`, an answer without jobs says in `idle` why this miner got none.
   * Earlier coordinators do not say it. `agent` names the program and its version, such as `aitbc-miner/0.2.0`, so that
   * the answer has what the operator tells owners of earlier versions.
   */
  claim(
    minerId: string,
    options: ClaimJobs & LongPollOptions & { explain?: boolean | undefined; agent?: string | undefined } = {},
  ): Promise<ClaimedJobs> {
    const { max, wait, epoch, explain = false, agent } = options;
    const path = `${pathOf(minerId)}/claims`;
    const body = { max, wait, epoch };
    const prefer = agent === undefined ? 'explain' : `explain; agent="${agent}"`;
    const headers = explain ? { headers: { prefer } } : {};
    return this.requests.send({ method: 'POST', path, body, wait, ...headers }, options);
  }

  /**
   * Posts the next chunks of several jobs' texts, which extends their leases. Returns for each job what
   * `jobs.postChunks` returns, or the error that it would throw.
   */
  async postChunks(
    minerId: string,
    posted: PostStreams,
    options?: RequestOptions,
  ): Promise<(PostedChunks | CoordinatorError)[]> {
    const path = `${pathOf(minerId)}/chunks`;
    const { streams } = await this.requests.post<PostedStreams>(path, posted, options);
    return streams.map(({ error, ...stream }) =>
      error ? errorOfStatus(error.status, error) : (stream as PostedChunks),
    );
  }

  /** Stops giving the miner new jobs. The jobs that it holds continue. */
  drain(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<Miner> {
    const path = `${pathOf(minerId)}/drain`;
    const query = { epoch: options.epoch };
    return this.requests.send({ method: 'POST', path, body: {}, query, repeatable: true }, options);
  }

  /** Gives a drained miner jobs again. Coordinators before 0.3 don't have this: register the miner again there. */
  resume(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<Miner> {
    const path = `${pathOf(minerId)}/resume`;
    const query = { epoch: options.epoch };
    return this.requests.send({ method: 'POST', path, body: {}, query, repeatable: true }, options);
  }

  /** Suspends the miner's owner, so that all of its miners get no jobs. For administrators. */
  suspend(minerId: string, options?: RequestOptions): Promise<Miner> {
    return this.requests.post(`${pathOf(minerId)}/suspend`, {}, options);
  }

  /** Ends a miner's suspension and resets its reputation to that of a new one. For administrators. */
  reinstate(minerId: string, options?: RequestOptions): Promise<Miner> {
    return this.requests.post(`${pathOf(minerId)}/reinstate`, {}, options);
  }

  /**
   * Removes the miner and gives its jobs to others. When an administrator does this, another key may take the
   * id.
   */
  async deregister(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<void> {
    const query = { epoch: options.epoch };
    await this.requests.send({ method: 'DELETE', path: pathOf(minerId), query, repeatable: true }, options);
  }
}

const pathOf = (minerId: string) => `/v1/miners/${id(minerId)}`;
