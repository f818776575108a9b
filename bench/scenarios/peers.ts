import { type LoadOptions, loadFresh } from '../generator.ts';
import { startLitellm } from '../peers/litellm.ts';
import { PEERS, type Peer, startPeer } from '../peers/peers.ts';
import { type LoadResult, medianOf } from '../results.ts';
import { startCoordinator, startOnPostgres } from '../server.ts';
import type { Progress } from './progress.ts';
import { aitbcRelay, mediansOf, type StreamsAtOnce, type StreamsOptions, streams } from './streams.ts';

export interface PeerResult extends Peer {
  result: LoadResult;
  /** Lifecycles of the coordinator, divided by those of this peer. */
  ratio: number;
}

export interface Peers {
  coordinator: LoadResult;
  peers: readonly PeerResult[];
}

/** Runs the coordinator on PostgreSQL and its peers in turn, each on its own PostgreSQL. */
export async function peers(
  { rounds, ...options }: LoadOptions & { rounds: number },
  progress: Progress,
  compared: readonly Peer[] = PEERS,
): Promise<Peers> {
  const coordinators: LoadResult[] = [];
  const others = compared.map(peer => ({ ...peer, results: [] as LoadResult[] }));
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds}: the coordinator`);
    coordinators.push(await loadFresh(() => startCoordinator({ store: 'postgres' }), options));
    for (const { results, ...peer } of others) {
      progress(`Round ${round} of ${rounds}: ${peer.name}${peer.batched ? ', batched' : ''}`);
      results.push(await loadFresh(() => startOnPostgres(url => startPeer(peer, url)), options));
    }
  }
  const coordinator = medianOf(coordinators, perSecond);
  return {
    coordinator,
    peers: others.map(({ results, ...peer }) => {
      const result = medianOf(results, perSecond);
      return { ...peer, result, ratio: coordinator.perSecond / result.perSecond };
    }),
  };
}

/** Streams through the coordinator on PostgreSQL, and through LiteLLM's proxy. */
export interface StreamPeers {
  coordinator: readonly StreamsAtOnce[];
  litellm: readonly StreamsAtOnce[];
}

/** Reads streams of the same engine through the coordinator and through LiteLLM's proxy, round by round in turn. */
export async function streamPeers(
  { rounds, ...options }: StreamsOptions,
  progress: Progress,
): Promise<StreamPeers> {
  const coordinator: StreamsAtOnce[][] = [];
  const litellm: StreamsAtOnce[][] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`Streams, round ${round} of ${rounds}: the coordinator`);
    const own = aitbcRelay({ store: 'postgres' });
    coordinator.push(await streams({ ...options, rounds: 1 }, own, progress));
    progress(`Streams, round ${round} of ${rounds}: LiteLLM`);
    const relay = async (engineUrl: string) => [await startLitellm(engineUrl)] as const;
    litellm.push(await streams({ ...options, rounds: 1 }, relay, progress));
  }
  return { coordinator: mediansOf(coordinator), litellm: mediansOf(litellm) };
}

const perSecond = (result: LoadResult) => result.perSecond;
