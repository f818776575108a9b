import {
  type IdleReport,
  LIMITS,
  type ListMiners,
  type ListOwnMiners,
  type Miner,
  type MinerDetail,
  type MinerModel,
  type RegisterMiner,
} from '@aitbc/protocol';
import { isPublicKey, verifyRegistration } from '@aitbc/receipts';
import { requireAddress } from '../accounts/accounts.ts';
import { accountScope, type Principal } from '../accounts/keys.ts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { LeaseConfig } from '../jobs/leases/options.ts';
import { parseJsonObject } from '../store/json.ts';
import { isoTime } from '../store/numbers.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Directory } from './directory.ts';
import { type Abilities, abilitiesOf } from './eligibility.ts';
import { examinePassports, passportsIn, toPublicPassport } from './passports.ts';
import { findMiner, findPassports, findSpeeds, listMiners, type MinerWithAddress } from './queries.ts';
import type { MinerCaller, MinerRegistration, RegisterInput } from './register.ts';
import { type ReputationPolicy, scoreOf, toReputation } from './reputation.ts';
import { reinstateMiners, resumeMiners, suspendMiners, withdrawMiners } from './withdraw.ts';
import { createWorkload } from './workload.ts';

/** The heartbeat interval is derived from the length of leases. */
type Heartbeats = Pick<LeaseConfig, 'leaseSeconds'>;

export interface MinersOptions {
  config: Heartbeats;
  store: Store;
  coordinatorId: string;
  now: () => number;
  reputation: ReputationPolicy;
  directory: Pick<Directory, 'offering'>;
  operations: { registerMiners: Operation<RegisterInput, MinerRegistration> };
}

/** Each method throws RequestError. */
export interface MinerRegistry {
  register(principal: Principal, request: RegisterMiner): Promise<{ miner: Miner; created: boolean }>;
  list(query: ListMiners & { limit: number; after: string | undefined }): Promise<Miner[]>;
  /** Lists the caller's own miners. */
  listOwn(
    principal: Principal,
    query: ListOwnMiners & { limit: number; after: string | undefined },
  ): Promise<Miner[]>;
  get(id: string): Promise<MinerDetail>;
  drain(principal: Principal, caller: MinerCaller, actor: Actor): Promise<Miner>;
  /** Ends draining. Does nothing if the miner does not drain. */
  resume(principal: Principal, caller: MinerCaller, actor: Actor): Promise<Miner>;
  /** Removes a miner. It must hold no jobs any more. */
  remove(principal: Principal, caller: MinerCaller, actor: Actor): Promise<void>;
  /** Suspends a miner's owner with all of its miners. Does nothing if the miner is suspended. */
  suspend(id: string, actor: Actor): Promise<Miner>;
  /** Ends a miner's suspension and clears its record. Does nothing if the miner is not suspended. */
  reinstate(id: string, actor: Actor): Promise<Miner>;
  /** Returns why a claim of the miner found nothing, and the miner. */
  idle(id: string): Promise<{ miner: Row<'miner'>; report: IdleReport }>;
  /** Returns what the miner can run, and its reputation score from 0 to 1. The miner must be the caller's. */
  standing(principal: Principal, id: string): Promise<{ abilities: Abilities; score: number }>;
}

/** Returns the interval between heartbeats. Four fit into a lease, so that three may be lost. */
export const heartbeatSeconds = (config: Heartbeats) =>
  Math.max(1, Math.min(15, Math.floor(config.leaseSeconds / 4)));

/**
 * Returns the public key of the proof if the signature is valid. The transaction checks whether that is the miner's
 * key.
 */
async function examineProof(request: RegisterMiner): Promise<string | undefined> {
  const { miner_id, public_key = null, session = null, address = null, proof } = request;
  if (!proof) return undefined;
  if (await verifyRegistration({ miner_id, public_key, session, address }, proof)) return proof.key_id;
  return fail('RECEIPT_INVALID_SIGNATURE', 'The proof does not match the registration', { field: 'proof' });
}

export function createMiners(options: MinersOptions): MinerRegistry {
  const { config, store, coordinatorId, now, reputation, directory, operations } = options;
  const workload = createWorkload(store);
  const toView = (miner: MinerWithAddress, speeds: readonly Row<'model_speed'>[] = []) => ({
    ...toMiner(miner, speeds, config),
    reputation: toReputation(miner, miner, now(), reputation),
  });

  async function findOrFail(id: string): Promise<MinerWithAddress> {
    return (await findMiner(store, id)) ?? fail('MINER_NOT_FOUND', `No miner ${id} is registered`);
  }

  async function view(miner: MinerWithAddress): Promise<Miner> {
    const kept = passportsIn(miner.passports);
    const [speeds, bodies] = await Promise.all([
      findSpeeds(store.read, [miner.id]),
      findPassports(
        store.read,
        kept.values().map(({ digest }) => digest),
      ),
    ]);
    const shown = toView(miner, speeds.get(miner.id));
    const withPassport = (model: MinerModel) => {
      const own = kept.get(model.model);
      return { ...model, passport: own ? toPublicPassport(own, bodies.get(own.digest)) : null };
    };
    return { ...shown, models: shown.models.map(withPassport) };
  }

  /** Returns the miners as lists show them. */
  async function summarize(miners: readonly MinerWithAddress[]): Promise<Miner[]> {
    const speeds = await findSpeeds(
      store.read,
      miners.map(miner => miner.id),
    );
    return miners.map(miner => summaryOf(toView(miner, speeds.get(miner.id))));
  }

  async function withdraw(
    principal: Principal,
    caller: MinerCaller,
    to: 'draining' | 'removed',
    actor: Actor,
  ) {
    const ownerId = accountScope(principal);
    return unwrap(await store.write(withdrawMiners, { ...caller, ownerId, to, actor }));
  }

  return {
    async register(owner, request) {
      if (request.address !== undefined) requireAddress(request.address, 'address');
      if (request.public_key !== undefined && !isPublicKey(request.public_key)) {
        fail('VALIDATION_INVALID_FORMAT', 'public_key is not a valid Ed25519 public key', {
          field: 'public_key',
        });
      }
      const provenKey = await examineProof(request);
      const passports = await examinePassports(request);
      const input = { owner, coordinatorId, request, provenKey, passports };
      const registration = unwrap(await store.write(operations.registerMiners, input));
      // The epoch is this registration's, even if another process has registered since.
      const { epoch } = registration.miner;
      return {
        miner: { ...(await view(await findOrFail(registration.miner.id))), epoch },
        created: registration.created,
      };
    },
    async list({ status, model, after, limit }) {
      const ids = model === undefined ? undefined : directory.offering(model, after ?? '', limit);
      if (ids?.length === 0) return [];
      return await summarize(await listMiners(store.read, { status, ids, after, limit }));
    },
    async listOwn({ accountId: ownerId }, { status, after, limit }) {
      return await summarize(await listMiners(store.read, { ownerId, status, after, limit }));
    },
    async get(id) {
      const miner = await findOrFail(id);
      return { ...(await view(miner)), workload: await workload.explain(miner) };
    },
    async idle(id) {
      const miner = await findOrFail(id);
      return { miner, report: await workload.report(miner) };
    },
    async drain(principal, caller, actor) {
      await withdraw(principal, caller, 'draining', actor);
      return await view(await findOrFail(caller.minerId));
    },
    async resume(principal, caller, actor) {
      unwrap(await store.write(resumeMiners, { ...caller, ownerId: accountScope(principal), actor }));
      return await view(await findOrFail(caller.minerId));
    },
    async remove(principal, caller, actor) {
      await withdraw(principal, caller, 'removed', actor);
    },
    async suspend(id, actor) {
      unwrap(await store.write(suspendMiners, { minerId: id, actor }));
      return await view(await findOrFail(id));
    },
    async reinstate(id, actor) {
      unwrap(await store.write(reinstateMiners, { minerId: id, actor }));
      return await view(await findOrFail(id));
    },
    async standing(principal, id) {
      const miner = await findOrFail(id);
      const account = accountScope(principal);
      if (account !== null && miner.owner_id !== account)
        fail('MINER_NOT_FOUND', `No miner ${id} is registered with this key`);
      return { abilities: abilitiesOf(miner), score: scoreOf(miner, now(), reputation) };
    },
  };
}

function toMiner(
  miner: MinerWithAddress,
  speeds: readonly Row<'model_speed'>[],
  config: Heartbeats,
): Omit<Miner, 'reputation'> {
  const { capabilities, loaded, models } = abilitiesOf(miner);
  return {
    miner_id: miner.id,
    status: miner.status === 'removed' ? 'offline' : miner.status,
    capabilities: [...capabilities],
    models: [...capabilities].map(model => {
      const speed = speeds.find(speed => speed.model === model);
      return {
        model,
        loaded: loaded?.has(model) ?? null,
        time_to_first_token_ms: rounded(speed?.first_token_ms ?? null, 0),
        tokens_per_second: rounded(speed?.tokens_per_second ?? null, 1),
        ...models?.get(model),
      };
    }),
    gpu_info: miner.gpu_info ? (parseJsonObject(miner.gpu_info) ?? null) : null,
    vram_gb: miner.vram_gb,
    region: miner.region,
    concurrency: miner.concurrency,
    address: miner.address,
    public_key: miner.public_key,
    epoch: miner.epoch,
    running: miner.running,
    completed: miner.completed,
    failed: miner.failed,
    registered_at: isoTime(miner.registered_at),
    last_seen_at: isoTime(miner.last_seen_at),
    heartbeat_seconds: heartbeatSeconds(config),
  };
}

/** Lists have only the name and the memory size of a GPU. */
function summaryOf(miner: Miner): Miner {
  if (miner.gpu_info === null) return miner;
  const { name, memory } = miner.gpu_info;
  const isShort = (text: unknown) => typeof text === 'string' && text.length <= LIMITS.gpuInfoBytes;
  return { ...miner, gpu_info: { ...(isShort(name) && { name }), ...(isShort(memory) && { memory }) } };
}

const rounded = (value: number | null, decimals: number) =>
  value === null ? null : Number(value.toFixed(decimals));
