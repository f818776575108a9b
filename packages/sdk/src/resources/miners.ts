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
  RegisterMiner,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type LongPollOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** The machines that run jobs. */
export class Miners extends Resource {
  /** The miners that are there, best reputation first. */
  list(query: ListMiners = {}, options?: RequestOptions): Paged<Miner> {
    return this.requests.list('/v1/miners', query, options);
  }

  /** A miner, and what it is given and not given to do just now. */
  get(minerId: string, options?: RequestOptions): Promise<MinerDetail> {
    return this.requests.get(pathOf(minerId), options);
  }

  /**
   * Registers a miner, or tells anew what it can do. Requests that carry the `epoch` of the answer fail with
   * `MINER_SUPERSEDED` once another process has registered the id.
   */
  register(miner: RegisterMiner, options?: RequestOptions): Promise<Miner> {
    return this.requests.post('/v1/miners/register', miner, options);
  }

  /**
   * Says that the miner lives, which extends its leases. With `wait`, the answer comes as soon as there is a job to stop,
   * or when the seconds are over. With `loaded`, the models that its engine has in memory, it is given jobs for them first.
   *
   * @param jobs ids of the jobs it works on; the answer names those to stop
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
   * Claims up to `max` jobs (default 1), waiting `wait` seconds for the first. Not repeated when an answer is lost, as
   * the jobs of that answer are leased already: the next heartbeat names them.
   */
  async claimJobs(minerId: string, options: ClaimJobs & LongPollOptions = {}): Promise<MinerJob[]> {
    const { max, wait, epoch } = options;
    const path = `${pathOf(minerId)}/claims`;
    const body = { max, wait, epoch };
    return (await this.requests.send<ClaimedJobs>({ method: 'POST', path, body, wait }, options)).jobs;
  }

  /** Gives the miner no new jobs; those it holds go on. */
  drain(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<Miner> {
    const path = `${pathOf(minerId)}/drain`;
    const query = { epoch: options.epoch };
    return this.requests.send({ method: 'POST', path, body: {}, query, repeatable: true }, options);
  }

  /** Gives a suspended miner jobs again, its reputation as that of a new one. For administrators. */
  reinstate(minerId: string, options?: RequestOptions): Promise<Miner> {
    return this.requests.post(`${pathOf(minerId)}/reinstate`, {}, options);
  }

  /** Takes the miner out; what it holds goes to others. By an administrator its id is free for another key then. */
  async deregister(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<void> {
    const query = { epoch: options.epoch };
    await this.requests.send({ method: 'DELETE', path: pathOf(minerId), query, repeatable: true }, options);
  }
}

const pathOf = (minerId: string) => `/v1/miners/${id(minerId)}`;
