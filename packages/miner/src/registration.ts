import { type GpuInfo, LIMITS, type Miner, MODEL_PATTERN, type RegisterMiner } from '@aitbc/protocol';
import type { CoordinatorClient } from '@aitbc/sdk';
import { type Backend, BackendError } from './backend.ts';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import type { Emit } from './events.ts';
import type { Identity } from './identity.ts';
import type { Link } from './link.ts';
import { orAborted } from './slots.ts';

export interface RegistrationOptions {
  client: CoordinatorClient;
  backend: Backend;
  identity: Identity;
  concurrency: number;
  /** Only these of the backend's models. */
  models?: readonly string[] | undefined;
  region?: string | undefined;
  address?: string | undefined;
  gpuInfo?: GpuInfo | undefined;
  link: Link;
  emit: Emit;
  backoff: BackoffOptions;
  /** Milliseconds between looks at the backend's models. */
  modelRefreshMs: number;
}

/** What the coordinator knows of the miner: kept in step with what its backend can run. */
export interface Registration {
  /** As the coordinator asked for. */
  readonly heartbeatSeconds: number;
  /** Aborts when the backend goes away. */
  readonly open: AbortSignal;
  /** Reads the models for the first time. Rejects with a BackendError when there are none. */
  prepare(): Promise<void>;
  /** Registers, however long the coordinator takes to answer. Rejects when it refuses. */
  register(signal: AbortSignal): Promise<void>;
  /** Looks at the backend again and again until the signal aborts. Rejects when the coordinator refuses. */
  watch(signal: AbortSignal): Promise<void>;
  /** Resolves when there is something that can run jobs, or the signal aborts. */
  whenOpen(signal: AbortSignal): Promise<void>;
  /** The backend failed a job in a way that others would fail too. */
  close(error: BackendError): void;
  /** The backend finished a job. */
  proven(): void;
}

export function createRegistration(options: RegistrationOptions): Registration {
  const { client, backend, identity, link, emit } = options;
  const backoff = createBackoff(options.backoff);
  const skipped = new Set<string>();
  let models: string[] = [];
  let heartbeatSeconds = 15;
  let gate = new AbortController();
  let opened = Promise.withResolvers<void>();
  let draining: Promise<unknown> = Promise.resolve();

  async function readModels(signal?: AbortSignal): Promise<string[]> {
    const found = await backend.models(signal);
    for (const model of found.filter(name => !isModelName(name) && !skipped.has(name))) {
      skipped.add(model);
      emit({ event: 'model_skipped', model });
    }
    return choose(found.filter(isModelName), options.models, backend.name);
  }

  function close(error: BackendError): void {
    if (gate.signal.aborted) return;
    gate.abort();
    emit({ event: 'paused', error: error.message });
    // So that clients see that nobody can run their jobs. Should it fail, nothing is claimed all the same.
    const request = client.drainMiner(identity.minerId, { maxRetries: 0, timeout: 5_000 });
    draining = request.catch(() => {});
  }

  async function register(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const miner = await client.registerMiner(request(options, models), { maxRetries: 0, signal });
        link.up();
        heartbeatSeconds = miner.heartbeat_seconds;
        return emit(registered(miner));
      } catch (error) {
        if (!signal.aborted) await pause(link.failed(error), signal);
      }
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    try {
      const found = await readModels(signal);
      const isSame = found.join(' ') === models.join(' ');
      if (isSame && !gate.signal.aborted) return;
      models = found;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof BackendError)) throw error;
      return close(error);
    }
    // Overtaken, the request would put out of service what is registered here.
    await draining;
    await register(signal);
    if (!gate.signal.aborted || signal.aborted) return;
    gate = new AbortController();
    emit({ event: 'resumed' });
    opened.resolve();
    opened = Promise.withResolvers();
  }

  return {
    get heartbeatSeconds() {
      return heartbeatSeconds;
    },
    get open() {
      return gate.signal;
    },
    async prepare() {
      models = await readModels();
    },
    register,
    async watch(signal) {
      while (!signal.aborted) {
        if (gate.signal.aborted) await pause(backoff.next(), signal);
        else await pause(options.modelRefreshMs, AbortSignal.any([signal, gate.signal]));
        if (!signal.aborted) await look(signal);
      }
    },
    async whenOpen(signal) {
      while (gate.signal.aborted && !signal.aborted) await orAborted(opened.promise, signal);
    },
    close,
    proven: () => backoff.reset(),
  };
}

function request(
  { identity, concurrency, gpuInfo, region, address }: RegistrationOptions,
  models: readonly string[],
): RegisterMiner {
  return {
    miner_id: identity.minerId,
    capabilities: models.slice(0, LIMITS.capabilities),
    concurrency,
    public_key: identity.signer.keyId,
    ...(gpuInfo && { gpu_info: gpuInfo }),
    ...(region !== undefined && { region }),
    ...(address !== undefined && { address }),
  };
}

function registered({ miner_id, capabilities, address, gpu_info }: Miner) {
  const gpu = gpu_info ? [gpu_info.name, gpu_info.memory].filter(Boolean).join(', ') : null;
  return { event: 'registered', miner_id, models: capabilities, address, gpu } as const;
}

function choose(found: readonly string[], wanted: readonly string[] | undefined, name: string): string[] {
  const models = [...new Set(found)].filter(model => !wanted?.length || wanted.includes(model)).sort();
  if (models.length > 0) return models;
  if (found.length === 0) throw new BackendError(`${name} has no models yet`, { down: true });
  throw new BackendError(`${name} has not ${wanted?.join(', ')}, but ${found.join(', ')}`, { down: true });
}

const modelPattern = new RegExp(MODEL_PATTERN);

export const isModelName = (name: string) => modelPattern.test(name) && name.length <= LIMITS.modelLength;
