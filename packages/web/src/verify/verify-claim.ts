import { isReceipt, type TrustedKey, verifyStatement } from '@aitbc/receipts';
import {
  leafHash,
  type OpenCheckpoint,
  openCheckpoint,
  type Policy,
  parseCheckpoint,
  parseNote,
  verifyInclusion,
} from '@aitbc/tlog';
import { toHex } from './bytes.ts';
import type { Claim } from './claim.ts';
import { type PathStep, pathToRoot } from './merkle-path.ts';

/** Whose signatures count. */
export interface Trust {
  keys: readonly TrustedKey[];
  policy: Policy;
}

export interface Step {
  id: 'form' | 'key' | 'signature' | 'miner' | 'arithmetic' | 'inclusion' | 'checkpoint' | 'witnesses';
  name: string;
  /** `skipped`: there is nothing to check, or the step before it failed. */
  result: 'passed' | 'failed' | 'skipped';
  detail: string;
  /** What went into the step, by name. */
  inputs: readonly (readonly [name: string, value: string])[];
}

export interface ClaimVerdict {
  isValid: boolean;
  steps: readonly Step[];
  /** The way from the entry to the root of the tree, where both are known. */
  path:
    | { leaf: Uint8Array; index: number; size: number; steps: readonly PathStep[]; root: Uint8Array }
    | undefined;
}

/** Verifies a statement and its place in the ledger, with nothing but what it is given. */
export async function verifyClaim(claim: Claim, trust: Trust): Promise<ClaimVerdict> {
  const own = await statementSteps(claim.statement, trust.keys);
  const ledger = await ledgerSteps(claim, trust.policy);
  const steps = [...own, ...ledger.steps];
  return { isValid: steps.every(({ result }) => result !== 'failed'), steps, path: ledger.path };
}

const FORM = ['shape', 'version', 'numbers', 'strings', 'algorithm'];

async function statementSteps(statement: unknown, keys: readonly TrustedKey[]): Promise<Step[]> {
  const { checks } = await verifyStatement(statement, { keys });
  const fields = Object(statement);
  const signature = Object(fields.signature);
  const metadata = Object(fields.metadata);
  const step = (id: Step['id'], name: string, of: readonly string[], inputs: Step['inputs']): Step => {
    const found = checks.filter(check => of.includes(check.name));
    const failed = found.find(({ ok }) => !ok);
    const detail = failed ? `${failed.name}: ${failed.detail}` : (found.at(-1)?.detail ?? '');
    return { id, name, result: failed ? 'failed' : 'passed', detail, inputs };
  };
  const [miner] = Array.isArray(metadata.signatures) ? metadata.signatures : [];
  const has = (name: string) => checks.some(check => check.name === name);
  const isOfJob = isReceipt(fields);
  const attestation = step(
    'miner',
    isOfJob ? 'The miner’s signature' : 'The provider’s signature',
    ['attestation'],
    isOfJob
      ? [
          ['key', text(miner?.key_id)],
          ['job', text(fields.job_id)],
          ['prompt hash', text(fields.prompt_hash)],
          ['result hash', text(fields.artifact_hash)],
        ]
      : [
          ['key', text(miner?.key_id)],
          ['payout', text(fields.payout_id)],
          ['status', text(fields.status)],
        ],
  );
  return [
    step('form', 'Form', FORM, [['format', `${text(fields.type ?? 'receipt')} ${text(fields.version)}`]]),
    step(
      'key',
      'Trusted key',
      ['key'],
      [
        ['named in the receipt', text(signature.key_id)],
        ['trusted', keys.map(key => (typeof key === 'string' ? key : key.key_id)).join(' ')],
      ],
    ),
    step(
      'signature',
      'The coordinator’s signature',
      ['signature'],
      [
        ['algorithm', text(signature.alg)],
        ['key', text(signature.key_id)],
        ['signature', text(signature.sig)],
      ],
    ),
    ...(has('attestation')
      ? [
          miner === undefined && attestation.result === 'passed'
            ? { ...attestation, result: 'skipped' as const, inputs: [] }
            : attestation,
        ]
      : []),
    ...(has('arithmetic')
      ? [
          step(
            'arithmetic',
            'Arithmetic',
            ['arithmetic'],
            [
              ['units', `${text(fields.units)} ${text(fields.unit_type)}`],
              ['rate', text(metadata.rate ?? metadata.rate_per_1000)],
              ['price', text(fields.price)],
              ['duration', `${text(fields.duration_ms)} ms`],
            ],
          ),
        ]
      : []),
  ];
}

const text = (value: unknown): string => (value === undefined ? '–' : String(value));

async function ledgerSteps(
  { entry, proof, proofFault }: Claim,
  policy: Policy,
): Promise<Pick<ClaimVerdict, 'steps' | 'path'>> {
  if (!entry || !proof) {
    // A receipt without a proof is sound as far as it goes. One whose proof can't be read was changed.
    const isAbsent = proofFault?.startsWith('it has no proof') ?? false;
    const rest = (id: Step['id'], name: string): Step => ({
      id,
      name,
      result: 'skipped',
      detail: 'not checked',
      inputs: [],
    });
    const inclusion: Step = {
      ...rest('inclusion', 'Inclusion in the ledger'),
      result: isAbsent ? 'skipped' : 'failed',
      detail: proofFault ?? 'not checked',
    };
    return {
      steps: [inclusion, rest('checkpoint', 'Checkpoint'), rest('witnesses', 'Witnesses')],
      path: undefined,
    };
  }
  const leaf = leafHash(entry);
  const { size, root } = parseCheckpoint(parseNote(proof.checkpoint).text);
  const { index, hashes } = proof;
  const isIncluded = verifyInclusion({ index, size, leafHash: leaf, proof: hashes, root });
  const inclusion: Step = {
    id: 'inclusion',
    name: 'Inclusion in the ledger',
    result: isIncluded ? 'passed' : 'failed',
    detail: isIncluded
      ? `it is entry ${index} of ${size}: ${hashes.length} hashes lead to the root`
      : `it is not entry ${index} of ${size}: the hashes do not lead to the root`,
    inputs: [
      ['leaf hash', toHex(leaf)],
      ['root', toHex(root)],
      ['proof', `${hashes.length} hashes`],
    ],
  };
  const path = { leaf, index, size, steps: pathToRoot(leaf, { index, size, hashes }), root };
  return { steps: [inclusion, ...(await checkpointSteps(proof.checkpoint, policy))], path };
}

async function checkpointSteps(note: string, policy: Policy): Promise<Step[]> {
  const logAlone = { ...policy, witnesses: [], groups: [], quorum: null };
  const signed = await attempt(openCheckpoint(note, logAlone));
  const checkpoint: Step = {
    id: 'checkpoint',
    name: 'Checkpoint',
    result: signed.fault === undefined ? 'passed' : 'failed',
    detail:
      signed.fault ?? `the ledger ${signed.value?.origin} signed the tree of ${signed.value?.size} entries`,
    inputs: [
      ['keys of the ledger', policy.logs.map(({ key }) => `${key.name} ${key.keyHash}`).join(', ')],
      ['signed note', note],
    ],
  };
  if (signed.fault !== undefined)
    return [
      checkpoint,
      { id: 'witnesses', name: 'Witnesses', result: 'skipped', detail: 'not checked', inputs: [] },
    ];
  const cosigned = await attempt(openCheckpoint(note, policy));
  const names = cosigned.value ? witnessesOf(cosigned.value, policy) : [];
  const isDemanded = policy.quorum !== null;
  const passed = names.length > 0 || isDemanded ? 'passed' : 'skipped';
  return [
    checkpoint,
    {
      id: 'witnesses',
      name: 'Witnesses',
      result: cosigned.fault === undefined ? passed : 'failed',
      detail:
        cosigned.fault ??
        (names.length > 0 ? `cosigned by ${names.join(', ')}` : 'the ledger’s policy demands none'),
      inputs: policy.witnesses.map(({ name, key }) => [name, key.keyHash] as const),
    },
  ];
}

function witnessesOf({ signatures }: OpenCheckpoint, { witnesses }: Policy): string[] {
  return witnesses
    .filter(({ key }) => signatures.some(signature => signature.key.publicKey === key.publicKey))
    .map(({ name }) => name);
}

async function attempt<T>(promise: Promise<T>): Promise<{ value?: T; fault?: string }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
