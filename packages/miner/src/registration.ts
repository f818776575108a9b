import { randomUUID } from 'node:crypto';
import { type GpuInfo, LIMITS, type Miner, type RegisterMiner, type Sampler } from '@aitbc/protocol';
import { signRegistration } from '@aitbc/receipts';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import { type AbilitiesByModel, mergeAbilities, type StatedAbilities } from './abilities.ts';
import { type Backend, BackendError } from './backend.ts';
import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import type { MinerEventHandler } from './events.ts';
import type { Identity } from './identity.ts';
import type { Link } from './link.ts';
import { isModelName } from './model-names.ts';
import { mergePassports, type PassportsByModel, signedPassport } from './passports.ts';
import { orAborted } from './slots.ts';

export interface RegistrationOptions {
  client: CoordinatorClient;
  backend: Backend;
  identity: Identity;
  concurrency: number;
  /** Which of the backend's models to offer. */
  models?: readonly string[] | undefined;
  /** What the models can do, when the engine does not report it or the owner knows better. */
  abilities?: StatedAbilities | undefined;
  /** What the owner claims about models. */
  passports?: PassportsByModel | undefined;
  region?: string | undefined;
  address?: string | undefined;
  gpuInfo?: GpuInfo | undefined;
  link: Link;
  emit: MinerEventHandler;
  backoff: BackoffOptions;
  /** Milliseconds between checks of the backend's models. */
  modelRefreshMs: number;
}

/** The longest time without jobs for a busy engine, even when it asks for more. */
const LONGEST_REST_MS = 60_000;

/** Keeps the miner's registration in step with what its backend can run. */
export interface Registration {
  /** The interval that the coordinator sets. */
  readonly heartbeatSeconds: number;
  /**
   * Whether the coordinator has registered this process at least once. Before that, another miner may own the
   * id.
   */
  readonly isKnown: boolean;
  /** The epoch of this process. Undefined before the first registration, and with older coordinators. */
  readonly epoch: number | undefined;
  /** The defaults of sampling of a model, as far as they are known. */
  samplerOf(model: string): Sampler | undefined;
  /** Whether the coordinator takes passports and what belongs to them. Those before 0.3 do not. */
  readonly takesPassports: boolean;
  /** Whether the model is registered. */
  isOffered(model: string): boolean;
  /** Aborts when the backend should get no more jobs for now. */
  readonly open: AbortSignal;
  /** Reads the models for the first time. Rejects with a BackendError when there are none. */
  prepare(): Promise<void>;
  /**
   * Registers, trying again until the coordinator answers. Rejects when it answers with a permanent error.
   */
  register(signal: AbortSignal): Promise<void>;
  /**
   * Checks the backend repeatedly until the signal aborts. Rejects when the coordinator answers with a
   * permanent error.
   */
  watch(signal: AbortSignal): Promise<void>;
  /** Resolves when the backend can run jobs, or the signal aborts. */
  whenOpen(signal: AbortSignal): Promise<void>;
  /**
   * Records that the backend failed a job. When the backend seems to be gone, its models are read before the
   * next claim, and the miner pauses if that fails. A busy backend gets no jobs for as long as it says.
   */
  failed(error: BackendError): void;
  /** Records that the backend finished a job. */
  proven(): void;
}

export function createRegistration(options: RegistrationOptions): Registration {
  const { client, backend, identity, link, emit } = options;
  const backoff = createBackoff(options.backoff);
  const skipped = new Set<string>();
  const abilities = createLookup(backend.abilities?.bind(backend));
  const passports = createLookup(backend.passports?.bind(backend));
  let takesPassports = true;
  let models: string[] = [];
  let offered: ReadonlySet<string> = new Set();
  let registered = '';
  let most: number = LIMITS.capabilities;
  let leftOut = '';
  let heartbeatSeconds = 15;
  /** The session by which the coordinator recognizes this process after its first registration. */
  const session = randomUUID();
  let epoch: number | undefined;
  let gate = new AbortController();
  let opened = Promise.withResolvers<void>();
  let draining: Promise<unknown> = Promise.resolve();
  /** Whether `paused` was reported. The gate is closed then, and at times for a moment when it is not. */
  let isPaused = false;
  /** The gate stays closed until this time of `performance.now()`. */
  let shutUntil = 0;
  /** How often the backend seemed gone since the last success. */
  let doubts = 0;

  async function readModels(signal?: AbortSignal): Promise<string[]> {
    const found = await backend.models(signal);
    for (const model of found.filter(name => !isModelName(name) && !skipped.has(name))) {
      skipped.add(model);
      emit({ event: 'model_skipped', model });
    }
    const models = choose(found.filter(isModelName), options.models, backend.name);
    const asked = models.slice(0, most);
    await Promise.all([abilities.refresh(asked, signal), passports.refresh(asked, signal)]);
    return models;
  }

  function tellLeftOut(): void {
    const names = models.slice(most);
    if (names.length > 0 && leftOut !== names.join(' ')) {
      emit({ event: 'models_left_out', models: names, limit: most });
    }
    leftOut = names.join(' ');
  }

  function close(error: BackendError): void {
    gate.abort();
    if (isPaused) return;
    isPaused = true;
    emit({ event: 'paused', error: error.message });
    // Draining shows clients that no miner runs their jobs. If it fails, this miner still claims nothing.
    const request = client.miners.drain(identity.minerId, {
      ...epochOf(epoch),
      maxRetries: 0,
      timeout: 5_000,
    });
    draining = request.catch(() => {});
  }

  function shut(ms: number): void {
    shutUntil = Math.max(shutUntil, performance.now() + ms);
    gate.abort();
  }

  function failed(error: BackendError): void {
    const { failureClass, retryAfterSeconds, isLockedOut, down } = error;
    if (isLockedOut) close(error);
    else if (failureClass === 'busy') {
      const ms = retryAfterSeconds === undefined ? backoff.next() : retryAfterSeconds * 1000;
      shut(Math.min(ms, LONGEST_REST_MS));
    } else if (down) shut(doubts++ === 0 ? 0 : backoff.next());
  }

  /** Returns what is to be registered, without what belongs to this process. */
  async function statement(): Promise<RegisterMiner> {
    const offered = models.slice(0, most);
    const told = request(options, offered, abilities.told);
    if (!takesPassports) return told;
    return await withPassports(told, mergePassports(offered, passports.told, options.passports), identity);
  }

  async function register(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const told = await statement();
      try {
        const proof = await prove(told, session, identity);
        const registration = { ...told, ...epochOf(epoch), session, proof };
        const miner = await client.miners.register(registration, { maxRetries: 0, signal });
        epoch = miner.epoch;
        link.up();
        registered = JSON.stringify(told);
        takesPassports = miner.models.some(model => 'passport' in model);
        offered = new Set(told.capabilities);
        tellLeftOut();
        heartbeatSeconds = miner.heartbeat_seconds;
        return emit(registeredEvent(miner));
      } catch (error) {
        if (takesPassports && isUnknownPassport(error)) takesPassports = false;
        else if (most > EARLIER_LIMIT && told.capabilities.length > EARLIER_LIMIT && isTooMany(error)) {
          most = EARLIER_LIMIT;
        } else if (!signal.aborted) await pause(link.failed(error), signal);
      }
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    let isChanged = false;
    try {
      models = await readModels(signal);
      isChanged = JSON.stringify(await statement()) !== registered;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof BackendError)) throw error;
      return close(error);
    }
    if (isChanged || isPaused) {
      // A drain request that arrives after the registration would drain it, so it must end first.
      await draining;
      await register(signal);
    }
    if (!gate.signal.aborted || signal.aborted || performance.now() < shutUntil) return;
    gate = new AbortController();
    if (isPaused) emit({ event: 'resumed' });
    isPaused = false;
    opened.resolve();
    opened = Promise.withResolvers();
  }

  return {
    get heartbeatSeconds() {
      return heartbeatSeconds;
    },
    get isKnown() {
      return registered !== '';
    },
    get epoch() {
      return epoch;
    },
    samplerOf: model => mergePassports([model], passports.told, options.passports).get(model)?.sampler?.value,
    get takesPassports() {
      return takesPassports;
    },
    isOffered: model => offered.has(model),
    get open() {
      return gate.signal;
    },
    async prepare() {
      models = await readModels();
    },
    register,
    async watch(signal) {
      while (!signal.aborted) {
        if (!gate.signal.aborted) await pause(options.modelRefreshMs, AbortSignal.any([signal, gate.signal]));
        if (isPaused) await pause(backoff.next(), signal);
        else if (gate.signal.aborted) await pause(Math.max(0, shutUntil - performance.now()), signal);
        if (!signal.aborted) await look(signal);
      }
    },
    async whenOpen(signal) {
      while (gate.signal.aborted && !signal.aborted) await orAborted(opened.promise, signal);
    },
    failed,
    proven() {
      doubts = 0;
      backoff.reset();
    },
  };
}

/** The most models that coordinators before 0.2 take. */
const EARLIER_LIMIT = 256;

const isTooMany = (error: unknown) =>
  isCoordinatorError(error, 'VALIDATION_OUT_OF_RANGE') && error.field === 'capabilities';

/** Coordinators before 0.3 do not know passports. */
const isUnknownPassport = (error: unknown) =>
  isCoordinatorError(error, 'VALIDATION_UNKNOWN_FIELD') && /passport/.test(`${error.field}`);

/**
 * Registration waits no longer than this for the models' abilities and passports. Later ones are registered with the next
 * check.
 */
const LOOKUP_PATIENCE_MS = 3_000;

type Look<Found> = (models: readonly string[], signal?: AbortSignal) => Promise<ReadonlyMap<string, Found>>;

/** Caches what the backend last told about its models. */
function createLookup<Found>(look: Look<Found> | undefined) {
  let told: ReadonlyMap<string, Found> = new Map();
  let looking: Promise<void> | undefined;
  return {
    get told() {
      return told;
    },
    async refresh(models: readonly string[], signal: AbortSignal | undefined): Promise<void> {
      if (!look) return;
      looking ??= look(models, signal)
        .then(
          found => {
            told = found;
          },
          // The models can run even when this is unknown.
          () => {},
        )
        .finally(() => {
          looking = undefined;
        });
      const enough = new AbortController();
      looking.then(() => enough.abort());
      await pause(LOOKUP_PATIENCE_MS, enough.signal);
    },
  };
}

function request(
  { identity, concurrency, gpuInfo, region, address, abilities }: RegistrationOptions,
  capabilities: string[],
  told: AbilitiesByModel,
): RegisterMiner {
  const models = mergeAbilities(capabilities, told, abilities);
  return {
    miner_id: identity.minerId,
    capabilities,
    ...(models.length > 0 && { models }),
    concurrency,
    public_key: identity.signer.keyId,
    ...(gpuInfo && { gpu_info: gpuInfo }),
    ...(region !== undefined && { region }),
    ...(address !== undefined && { address }),
  };
}

/** Adds the passports, signed, to what is registered about models. */
async function withPassports(
  told: RegisterMiner,
  passports: PassportsByModel,
  identity: Identity,
): Promise<RegisterMiner> {
  if (passports.size === 0) return told;
  const models = new Map(told.models?.map(model => [model.model, model]));
  for (const [model, passport] of passports)
    models.set(model, {
      ...(models.get(model) ?? { model }),
      passport: await signedPassport(model, passport, identity),
    });
  return { ...told, models: [...models.values()] };
}

/** Leaves an unknown epoch out of a request. */
export const epochOf = (epoch: number | undefined) => (epoch === undefined ? {} : { epoch });

/**
 * Proves that this process holds the private key, so that nobody can take the id with the public key alone.
 */
async function prove(told: RegisterMiner, session: string, { signer }: Identity) {
  const { miner_id, public_key = null, address = null } = told;
  return await signRegistration({ miner_id, public_key, session, address }, signer);
}

function registeredEvent({ miner_id, capabilities, address, gpu_info }: Miner) {
  const gpu = gpu_info ? [gpu_info.name, gpu_info.memory].filter(Boolean).join(', ') : null;
  return { event: 'registered', miner_id, models: capabilities, address, gpu } as const;
}

function choose(found: readonly string[], wanted: readonly string[] | undefined, name: string): string[] {
  const models = [...new Set(found)].filter(model => !wanted?.length || wanted.includes(model)).sort();
  if (models.length > 0) return models;
  if (found.length === 0) throw new BackendError(`${name} has no models yet`, { down: true });
  throw new BackendError(`${name} does not have ${wanted?.join(', ')}. It has ${found.join(', ')}`, {
    down: true,
  });
}
