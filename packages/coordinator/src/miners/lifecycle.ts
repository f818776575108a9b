import type { ModelAbilities, RegisterMiner } from '@aitbc/protocol';
import { addressFromPublicKey } from '@aitbc/receipts';
import { accountAt, localAddress } from '../accounts/accounts.ts';
import { done, type Operation, refused, type WriteContext } from '../store/operation.ts';
import type { NewRow, Row } from '../store/schema.ts';
import { NEEDS } from './eligibility.ts';
import { countActive } from './presence.ts';
import { loadStandings, newStanding, stateOf, tellMiners } from './standing.ts';
import { vramOf } from './vram.ts';

export interface RegisterInput {
  owner: { accountId: number; address: string; anonymous: boolean };
  coordinatorId: string;
  request: RegisterMiner;
}

export interface Registration {
  miner: Row<'miner'>;
  /** Where it is paid. */
  address: string;
  created: boolean;
}

/** Registers a miner, or changes what an owner registered before. Puts it online. */
export const registerMiners = (terms: RegistrationTerms): Operation<RegisterInput, Registration> => ({
  name: 'miners.register',
  order: 5,
  async apply(inputs, context) {
    const outcomes = [];
    for (const input of inputs) outcomes.push(await register(input, terms, context));
    return outcomes;
  },
});

export interface RegistrationTerms {
  /** Miners of one owner that nobody vouches for. */
  maxPerOwner: number;
}

const DAY_MS = 24 * 3600 * 1000;

/** Whether an owner has as many miners as it may, where there are others. Those that were registered and removed today are counted too. */
async function hasAllMiners(
  { accountId, anonymous }: RegisterInput['owner'],
  { maxPerOwner }: RegistrationTerms,
  { tx, now }: WriteContext,
): Promise<boolean> {
  if (anonymous) return false;
  const sql = `SELECT id FROM miner WHERE owner_id = ? AND (status <> 'removed' OR registered_at > ?) LIMIT ?`;
  const miners = await tx.query(sql, [accountId, now - DAY_MS, maxPerOwner]);
  if (miners.length < maxPerOwner) return false;
  const others = `SELECT id FROM miner WHERE status = 'online' AND owner_id <> ? LIMIT 1`;
  if ((await tx.query(others, [accountId])).length === 0) return false;
  const [account] = await tx.load('account', 'id', [accountId]);
  return account?.trusted !== 1;
}

async function register(
  { owner, coordinatorId, request }: RegisterInput,
  terms: RegistrationTerms,
  context: WriteContext,
) {
  const { tx, now, emit } = context;
  const [known] = await tx.load('miner', 'id', [request.miner_id]);
  if (known && known.owner_id !== owner.accountId) {
    return refused(
      'MINER_ALREADY_REGISTERED',
      `The id ${request.miner_id} belongs to another owner: choose another one`,
      {
        field: 'miner_id',
      },
    );
  }
  const vram = vramOf(request.gpu_info);
  if (vram === 'absurd') {
    return refused('VALIDATION_OUT_OF_RANGE', `No machine has ${request.gpu_info?.memory} of GPU memory`, {
      field: 'gpu_info.memory',
    });
  }
  if ((!known || known.status === 'removed') && (await hasAllMiners(owner, terms, context))) {
    const detail = `This owner has ${terms.maxPerOwner} miners, as many as it may: remove one, or ask the operator to vouch for it`;
    return refused('RATE_QUOTA_EXCEEDED', detail);
  }
  const payee = await accountAt(payAddress(owner, coordinatorId, request), null, context);
  const operatorId = owner.anonymous ? payee.id : owner.accountId;
  const standing =
    (await loadStandings([operatorId], context)).get(operatorId) ?? newStanding(operatorId, now);
  const described = {
    ...describe(request),
    ...stateOf(standing),
    vram_gb: vram,
    payee_id: payee.id,
    operator_id: operatorId,
    status: 'online' as const,
    draining: 0,
    last_seen_at: now,
  };
  const miner: Row<'miner'> = known
    ? { ...known, ...described }
    : {
        ...described,
        owner_id: owner.accountId,
        loaded: null,
        running: 0,
        completed: 0,
        failed: 0,
        registered_at: now,
      };
  if (known) await tx.update('miner', 'id', CHANGING, [miner]);
  else await tx.insert('miner', [miner satisfies NewRow<'miner'>]);
  const wasCounted = known !== undefined && known.status !== 'removed';
  await tx.add('counter', 'name', [{ name: 'miners.total', value: wasCounted ? 0 : 1 }]);
  await countActive(known && isActive(known) ? 0 : 1, context);
  emit({ type: 'miner.changed', miner });
  return done({ miner, address: payee.address, created: !known });
}

const CHANGING = [
  'payee_id',
  'operator_id',
  'capabilities',
  'abilities',
  'gpu_info',
  'vram_gb',
  'region',
  'concurrency',
  'public_key',
  'status',
  'draining',
  'last_seen_at',
  'suspended_at',
  'probation',
] as const;

const isActive = (miner: Row<'miner'>) => miner.status === 'online' || miner.status === 'draining';

/** Where it asked to be paid, or its owner's address; without a key, its own. */
function payAddress(owner: RegisterInput['owner'], coordinatorId: string, request: RegisterMiner): string {
  if (request.address) return request.address;
  if (!owner.anonymous) return owner.address;
  return request.public_key
    ? addressFromPublicKey(request.public_key)
    : localAddress(coordinatorId, request.miner_id);
}

function describe(request: RegisterMiner) {
  return {
    id: request.miner_id,
    capabilities: JSON.stringify([...new Set(request.capabilities)]),
    abilities: abilitiesFrom(request),
    gpu_info: request.gpu_info ? JSON.stringify(request.gpu_info) : null,
    region: request.region ?? null,
    concurrency: request.concurrency ?? null,
    public_key: request.public_key ?? null,
  };
}

const ABILITIES = ['context_length', ...NEEDS] as const;

/** By model, as JSON; null where nothing is told. */
function abilitiesFrom({ capabilities, models = [] }: RegisterMiner): string | null {
  const told = models.filter(({ model }) => capabilities.includes(model));
  if (told.length === 0) return null;
  const known = (abilities: ModelAbilities) =>
    Object.fromEntries(ABILITIES.flatMap(name => (name in abilities ? [[name, abilities[name]]] : [])));
  return JSON.stringify(Object.fromEntries(told.map(({ model, ...abilities }) => [model, known(abilities)])));
}

export interface WithdrawInput {
  minerId: string;
  /** Null for an administrator. */
  ownerId: number | null;
  to: 'draining' | 'removed';
}

/** Stops giving a miner jobs. A removed one must have handed back what it holds: `releaseOf` sees to that. */
export const withdrawMiners: Operation<WithdrawInput, Row<'miner'>> = {
  name: 'miners.withdraw',
  order: 20,
  async apply(inputs, context) {
    const { tx, emit } = context;
    const outcomes = [];
    for (const { minerId, ownerId, to } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed' || (ownerId !== null && miner.owner_id !== ownerId)) {
        outcomes.push(refused('MINER_NOT_FOUND', `No miner ${minerId} is registered with this key`));
        continue;
      }
      const after = { ...miner, status: to, draining: 1 };
      await tx.update('miner', 'id', ['status', 'draining'], [after]);
      if (to === 'removed') await tx.add('counter', 'name', [{ name: 'miners.total', value: -1 }]);
      await countActive((to === 'draining' ? 1 : 0) - (isActive(miner) ? 1 : 0), context);
      emit({ type: 'miner.changed', miner: after });
      outcomes.push(done(after));
    }
    return outcomes;
  },
};

/** Lets a suspended miner's operator have jobs again, and forgets what was known of it: or its next run would decide anew. */
export const reinstateMiners: Operation<{ minerId: string }, undefined> = {
  name: 'miners.reinstate',
  order: 22,
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes = [];
    for (const { minerId } of inputs) {
      const [miner] = await tx.load('miner', 'id', [minerId]);
      if (!miner || miner.status === 'removed') {
        outcomes.push(refused('MINER_NOT_FOUND', `No miner ${minerId} is registered`));
        continue;
      }
      if (miner.suspended_at !== null || miner.probation === 1) {
        const standing = newStanding(miner.operator_id, now);
        await tx.upsert('standing', ['id'], [standing]);
        await tellMiners([standing], context);
      }
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};
