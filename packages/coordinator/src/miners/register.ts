import { LIMITS, type ModelAbilities, type RegisterMiner } from '@aitbc/protocol';
import { addressFromPublicKey } from '@aitbc/receipts';
import { findOrCreateAccount, localAddress } from '../accounts/accounts.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { NewRow, Row } from '../store/schema.ts';
import { NEEDS } from './eligibility.ts';
import { type ExaminedPassport, writePassports } from './passports.ts';
import { countActive } from './presence.ts';
import { noteTurn } from './roster.ts';
import { loadStandings, newStanding, stateOf } from './standing.ts';
import { vramOf } from './vram.ts';

export interface RegisterInput {
  owner: { accountId: number; address: string; anonymous: boolean };
  coordinatorId: string;
  request: RegisterMiner;
  /** The public key whose private key the caller has proven to hold. */
  provenKey?: string | undefined;
  /** The passports of its models, whose signatures are valid. */
  passports: readonly ExaminedPassport[];
}

/** The miner that sends a request. `epoch` identifies its process, if the request has one. */
export interface MinerCaller {
  minerId: string;
  epoch?: number | undefined;
}

export interface MinerRegistration {
  miner: Row<'miner'>;
  /** The address to which the miner is paid. */
  address: string;
  created: boolean;
}

/** Registers a miner or changes its registration, and puts the miner online. */
export const registerMiners = (policy: RegistrationPolicy): Operation<RegisterInput, MinerRegistration> => ({
  name: 'miners.register',
  async apply(inputs, context) {
    const outcomes = [];
    for (const input of inputs) outcomes.push(await register(input, policy, context));
    return outcomes;
  },
});

export interface RegistrationPolicy {
  /** The most miners of one owner, unless the operator vouches for the owner. */
  maxPerOwner: number;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * Whether the owner has reached the limit of miners. Miners registered within the last day count even if they were
 * removed. The limit applies only while other owners have miners online.
 */
async function hasReachedLimit(
  { accountId, anonymous }: RegisterInput['owner'],
  { maxPerOwner }: RegistrationPolicy,
  { tx, now }: WriteContext,
): Promise<boolean> {
  if (anonymous) return false;
  const sql = `SELECT id FROM miner WHERE owner_id = ? AND (status <> 'removed' OR registered_at > ?) LIMIT ?`;
  const miners = await tx.query(['miner'], sql, [accountId, now - DAY_MS, maxPerOwner]);
  if (miners.length < maxPerOwner) return false;
  const others = `SELECT id FROM miner WHERE status = 'online' AND owner_id <> ? LIMIT 1`;
  if ((await tx.query(['miner'], others, [accountId])).length === 0) return false;
  const [account] = await tx.load('account', 'id', [accountId]);
  return account?.trusted !== 1;
}

async function register(
  { owner, coordinatorId, request, provenKey, passports }: RegisterInput,
  policy: RegistrationPolicy,
  context: WriteContext,
) {
  const { tx, now, emit } = context;
  const [known] = await tx.load('miner', 'id', [request.miner_id]);
  if (known && known.owner_id !== owner.accountId) {
    return failed(
      'MINER_ALREADY_REGISTERED',
      `The id ${request.miner_id} belongs to another owner: choose another id`,
      {
        field: 'miner_id',
      },
    );
  }
  const error = known && takeoverError(known, owner, request, provenKey);
  if (error) return error;
  const gpuBytes = request.gpu_info ? Buffer.byteLength(JSON.stringify(request.gpu_info)) : 0;
  if (gpuBytes > LIMITS.gpuInfoBytes) {
    const detail = `gpu_info has ${gpuBytes} bytes as JSON: the limit is ${LIMITS.gpuInfoBytes}`;
    return failed('VALIDATION_OUT_OF_RANGE', detail, { field: 'gpu_info' });
  }
  const vram = vramOf(request.gpu_info);
  if (vram === 'absurd') {
    return failed('VALIDATION_OUT_OF_RANGE', `No machine has ${request.gpu_info?.memory} of GPU memory`, {
      field: 'gpu_info.memory',
    });
  }
  if ((!known || known.status === 'removed') && (await hasReachedLimit(owner, policy, context))) {
    const detail = `This owner has ${policy.maxPerOwner} miners, which is the limit: remove one, or ask the operator to vouch for this owner`;
    return failed('RATE_QUOTA_EXCEEDED', detail, { limit: 'miners' });
  }
  const fresh = await newPassports(passports, owner, context);
  if (!fresh) {
    const detail = `This owner has registered ${LIMITS.passportsPerDay} new passports within a day, which is the limit`;
    return failed('RATE_QUOTA_EXCEEDED', detail, { limit: 'passports' });
  }
  const payee = await findOrCreateAccount(payAddress(owner, coordinatorId, request), null, context);
  const operatorId = owner.anonymous ? payee.id : owner.accountId;
  const standing =
    (await loadStandings([operatorId], context)).get(operatorId) ?? newStanding(operatorId, now);
  const described = {
    ...describe(request),
    ...stateOf(standing),
    ...processOf(known, request, provenKey),
    passports: writePassports(passports),
    vram_gb: vram,
    payee_id: payee.id,
    operator_id: operatorId,
    owner_address: owner.anonymous ? payee.address : owner.address,
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
  if (known) await tx.change('miner', [{ before: known, after: miner }]);
  else await tx.insert('miner', [miner satisfies NewRow<'miner'>]);
  await tx.insert('passport', fresh);
  const wasCounted = known !== undefined && known.status !== 'removed';
  await tx.add('counter', [{ name: 'miners.total', value: wasCounted ? 0 : 1 }]);
  await countActive(known && isActive(known) ? 0 : 1, context);
  emit({ type: 'miner.changed', miner });
  noteTurn(known, miner, context);
  return done({ miner, address: payee.address, created: !known });
}

/** Returns the rows of passports that nobody has registered yet, or undefined if the owner may not register as many. */
async function newPassports(
  passports: readonly ExaminedPassport[],
  { accountId }: RegisterInput['owner'],
  { tx, now }: WriteContext,
): Promise<NewRow<'passport'>[] | undefined> {
  if (passports.length === 0) return [];
  const bodies = new Map(passports.map(({ digest, body }) => [digest, body]));
  for (const { id } of await tx.load('passport', 'id', [...bodies.keys()])) bodies.delete(id);
  if (bodies.size === 0) return [];
  const sql = 'SELECT id FROM passport WHERE owner_id = ? AND registered_at > ? LIMIT ?';
  const recent = await tx.query(['passport'], sql, [accountId, now - DAY_MS, LIMITS.passportsPerDay]);
  if (recent.length + bodies.size > LIMITS.passportsPerDay) return undefined;
  return [...bodies].map(([id, body]) => ({ id, body, owner_id: accountId, registered_at: now }));
}

type Known = Row<'miner'> | undefined;

const hasSession = (known: Known, { session }: RegisterMiner) =>
  session !== undefined && known?.session === session;

/** Whether the miner's current process is changing its registration. */
const isSameProcess = (known: Row<'miner'>, request: RegisterMiner) =>
  known.epoch === request.epoch || hasSession(known, request);

/** Returns an error if this process may not take over a miner id of the same owner. */
function takeoverError(
  known: Row<'miner'>,
  owner: RegisterInput['owner'],
  request: RegisterMiner,
  provenKey: string | undefined,
): Outcome<never> | undefined {
  if (!isSameProcess(known, request) && (request.epoch ?? known.epoch) < known.epoch)
    return superseded(known.id);
  // Callers without an API key share one account, so there an id belongs to whoever holds its private key.
  if (!owner.anonymous || known.public_key === null) return undefined;
  if (request.public_key === known.public_key && (!known.key_proven || hasSession(known, request)))
    return undefined;
  if (provenKey === known.public_key) return undefined;
  return failed('MINER_ALREADY_REGISTERED', idTaken(known), {
    field: request.public_key === known.public_key ? 'proof' : 'public_key',
  });
}

const idTaken = ({ id, public_key }: Row<'miner'>) =>
  `The id ${id} belongs to the key ${public_key}: choose another id, or send a proof by that key`;

export const superseded = (minerId: string): Outcome<never> =>
  failed(
    'MINER_SUPERSEDED',
    `Another process has registered as ${minerId} since: give each its own id, and stop one of them`,
  );

/** Returns the columns that identify the process: a new process gets the next epoch. */
function processOf(known: Known, request: RegisterMiner, provenKey: string | undefined) {
  const isProven = provenKey !== undefined && provenKey === request.public_key;
  if (!known || !isSameProcess(known, request)) {
    return {
      epoch: (known?.epoch ?? 0) + 1,
      session: request.session ?? null,
      key_proven: Number(isProven),
    };
  }
  const keepsKey = known.public_key === (request.public_key ?? null);
  const { epoch, session } = known;
  return { epoch, session, key_proven: keepsKey && known.key_proven ? 1 : Number(isProven) };
}

export const isActive = (miner: Row<'miner'>) => miner.status === 'online' || miner.status === 'draining';

/**
 * Returns the address to pay: the requested one, else the owner's, or one that is derived from the miner if callers
 * need no key.
 */
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

/** Returns the reported abilities by model as JSON, or null if none were reported. */
function abilitiesFrom({ capabilities, models = [] }: RegisterMiner): string | null {
  const reported = models.filter(({ model }) => capabilities.includes(model));
  if (reported.length === 0) return null;
  const knownAbilities = (abilities: ModelAbilities) =>
    Object.fromEntries(ABILITIES.flatMap(name => (name in abilities ? [[name, abilities[name]]] : [])));
  return JSON.stringify(
    Object.fromEntries(reported.map(({ model, ...abilities }) => [model, knownAbilities(abilities)])),
  );
}
