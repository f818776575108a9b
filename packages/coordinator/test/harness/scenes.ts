import { hash } from 'node:crypto';
import type {
  ApiKey,
  Batch,
  CreateBatch,
  CreatedWebhook,
  FileObject,
  Grant,
  InvitationWithToken,
  NewGrant,
  NewPayout,
  Notice,
  Payout,
  Receipt,
  Signature,
  TrackedPayout,
  WebhookDelivery,
} from '@aitbc/protocol';
import {
  addressFromLabel,
  addressFromPublicKey,
  canonicalJson,
  type PayoutAnswer,
  signerFromSeed,
  signPayoutAnswer,
} from '@aitbc/receipts';
import { leafHash } from '@aitbc/tlog';
import { type Answer, actions, type CallOptions, type TestCoordinator } from './coordinator.ts';
import { ENGINE, makeVerification, STRANGE } from './verifications.ts';

/** A client's job, and a miner that can run it, or does, or did. */
export interface Scene {
  jobs: string;
  miners: string;
  /** Of the job; empty before it is completed. */
  receipts: string;
  /** The hash of that receipt in the ledger. */
  transactions: string;
  /** A grant; empty unless the route is about one. */
  grants: string;
  /** A payout to the miner's owner, and who that is; empty unless the route is about one. */
  payouts: string;
  payee: string;
  /** What answers to the payout say to be its payee's, without a key. */
  answer: { signature?: Signature };
  /** A file of the client's; empty unless the route is about one. */
  files: string;
  /** A batch with it; empty unless the route is about one. */
  batches: string;
  /** A key of the manager's account; empty unless the route is about one. */
  'api-keys': string;
  /** A webhook of the client's, and a delivery to it; empty unless the route is about them. */
  webhooks: string;
  deliveries: string;
  /** An invitation and its token; empty unless the route is about one. */
  invitations: string;
  token: string;
  /** A notice; empty unless the route is about one. */
  notices: string;
  /** A verification of the job's answer; empty unless the route is about one. */
  verifications: string;
  model: string;
  /** How the route is called by somebody who may. */
  caller: CallOptions;
}

interface RouteRequest {
  /** Only administrators may. */
  admin?: true;
  /** There is a grant, in the published ledger or yet to be. */
  grant?: 'made' | 'published';
  /** There is a payout to the miner's owner, in the published ledger or yet to be. */
  payout?: 'made' | 'published';
  /** What has become of the job; pending unless given. */
  job?: 'running' | 'completed' | 'published';
  /** A verification of the answer, which the miner's owner holds, or which has accused it. */
  verification?: 'held' | 'ended';
  /** The client has a file. */
  file?: true;
  /** There is a notice. */
  notice?: true;
  /** There is an invitation. */
  invitation?: true;
  /** The manager has made another key. */
  apiKey?: true;
  /** The client has a batch. */
  batch?: true;
  /** The client has a webhook, and a delivery of it. */
  webhook?: true;
  query?: (scene: Scene) => string;
  body?: (scene: Scene) => object;
  /** What the miner answers the job with that the request waits for. */
  completion?: object;
}

/** Of somebody who has not taken part. */
const ADDRESS = addressFromLabel('scenes/newcomer');

const asMiner = ({ miners }: Scene) => ({ miner_id: miners });
/** A file of the client's as it is uploaded. */
export function fileForm(text: string, filename = 'requests.jsonl'): FormData {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new File([text], filename));
  return form;
}

export const newBatch = (input_file_id: string): CreateBatch => ({
  input_file_id,
  endpoint: '/v1/completions',
  completion_window: '24h',
});

const newJob = ({ model }: Scene) => ({ prompt: 'Hello', model });

/** For each route of the coordinator a request that it serves. */
export const REQUESTS: Readonly<Record<string, RouteRequest>> = {
  'GET /health': {},
  'GET /health/ready': {},
  'GET /metrics': { admin: true },
  'GET /v1/stats': {},
  'GET /v1/keys': {},
  'GET /v1/receipts': { job: 'completed' },
  'GET /v1/receipts/{id}': { job: 'completed' },
  'GET /v1/receipts/{id}/proof': { job: 'published' },
  'GET /v1/grants': { grant: 'made' },
  'GET /v1/grants/{id}': { grant: 'made' },
  'GET /v1/grants/{id}/proof': { grant: 'published' },
  'GET /v1/payouts': { payout: 'made' },
  'GET /v1/payouts/{id}': { payout: 'made' },
  'GET /v1/payouts/{id}/proof': { payout: 'published' },
  'POST /v1/payouts': {
    admin: true,
    payout: 'made',
    body: ({ payee }) => ({ to: payee, amount: 0.000001, method: 'cash', reference: 'Receipt 17' }),
  },
  'POST /v1/payouts/{id}/confirm': { payout: 'made', body: ({ answer }) => answer },
  'POST /v1/payouts/{id}/dispute': {
    payout: 'made',
    body: ({ answer }) => ({ reason: 'Nothing has arrived', ...answer }),
  },
  'POST /v1/payouts/{id}/withdraw': { admin: true, payout: 'made', body: () => ({ reason: 'Mistyped' }) },
  'POST /v1/verifications/claim': {
    body: ({ model }) => ({ verifier_id: 'reader', weights: [weightsOf(model)], engine: ENGINE }),
  },
  'POST /v1/verifications/{id}/scores': {
    ...{ job: 'completed', verification: 'held' },
    body: () => ({ verifier_id: 'reader', tokens: [STRANGE], engine: ENGINE, retokenized: true }),
  },
  'POST /v1/verifications/{id}/fail': {
    ...{ job: 'completed', verification: 'held' },
    body: () => ({ verifier_id: 'reader', reason: 'Out of memory' }),
  },
  'POST /v1/verifications/{id}/appeal': { job: 'completed', verification: 'ended' },
  'GET /v1/verifications/{id}/scores': { job: 'completed', verification: 'ended' },
  'GET /v1/verifications': { job: 'completed', verification: 'ended' },
  'GET /v1/verifications/{id}': { job: 'completed', verification: 'ended' },
  'GET /v1/verifications/{id}/proof': { job: 'published', verification: 'ended' },
  'GET /v1/evidence': { job: 'completed', verification: 'ended' },
  'GET /v1/draws': { job: 'completed', verification: 'ended' },
  'POST /v1/grants': { admin: true, body: () => ({ to: ADDRESS, amount: 1.5, reason: 'Welcome' }) },
  'GET /v1/accounts/{address}': { admin: true },
  'GET /ledger/checkpoint': { job: 'published' },
  'GET /ledger/vkey': {},
  'GET /ledger/policy': {},
  'GET /ledger/consistency': { query: () => '?from=0' },
  'GET /ledger/tile/{level}/{*}': { job: 'published' },
  'GET /v1/miners': {},
  'GET /v1/miners/{id}': {},
  'GET /explorer/stats': {},
  'GET /explorer/models': {},
  'GET /explorer/overview': {},
  'GET /explorer/live': { query: () => '?seconds=0' },
  'GET /explorer/blocks': {},
  'GET /explorer/blocks/{id}': { job: 'published' },
  'GET /explorer/transactions': { job: 'completed' },
  'GET /explorer/transactions/{hash}': { job: 'published' },
  'GET /explorer/addresses/{address}': {},
  'GET /explorer/addresses/{address}/days': {},
  'GET /explorer/miners/{id}/days': {},
  'GET /explorer/search': { job: 'completed', query: scene => `?q=${scene.jobs}` },
  'GET /explorer/receipts': { job: 'completed' },
  'POST /v1/api-keys': { admin: true, body: () => ({ scopes: ['keys'] }) },
  'GET /v1/api-keys': { apiKey: true },
  'GET /v1/api-keys/current': { admin: true },
  'GET /v1/api-keys/{id}': { apiKey: true },
  'PATCH /v1/api-keys/{id}': { apiKey: true, body: () => ({ name: 'renamed' }) },
  'POST /v1/api-keys/{id}/rotate': { apiKey: true, body: () => ({ old_valid_seconds: 60 }) },
  'DELETE /v1/api-keys/{id}': { apiKey: true },
  'GET /v1/audit-log': { admin: true },
  'POST /v1/notices': { admin: true, body: () => ({ text: 'Hello' }) },
  'GET /v1/notices': { admin: true, notice: true },
  'DELETE /v1/notices/{id}': { admin: true, notice: true },
  'POST /v1/invitations': { admin: true, body: () => ({ name: 'Ada' }) },
  'GET /v1/invitations': { admin: true, invitation: true },
  'GET /v1/invitations/{id}': { admin: true, invitation: true },
  'DELETE /v1/invitations/{id}': { admin: true, invitation: true },
  'POST /v1/invitations/redeem': { invitation: true, body: ({ token }) => ({ token }) },
  'GET /v1/usage': { job: 'completed' },
  'GET /v1/earnings': { job: 'completed' },
  'GET /v1/account': {},
  'GET /v1/jobs': {},
  'POST /v1/jobs': { body: newJob },
  'POST /v1/jobs/batch': { body: scene => ({ jobs: [newJob(scene)] }) },
  'GET /v1/jobs/{id}': { job: 'completed' },
  'GET /v1/jobs/{id}/receipt': { job: 'completed' },
  'GET /v1/jobs/{id}/events': { job: 'completed' },
  'POST /v1/jobs/{id}/cancel': {},
  'GET /v1/models': {},
  'GET /v1/models/{*}': {},
  'POST /v1/chat/completions': {
    job: 'completed',
    body: ({ model }) => ({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    completion: { result: 'Hello, you!', usage: { prompt_tokens: 1, completion_tokens: 3 } },
  },
  'POST /v1/completions': {
    job: 'completed',
    body: newJob,
    completion: { result: 'Hello, you!' },
  },
  'POST /v1/embeddings': {
    job: 'completed',
    body: ({ model }) => ({ model, input: 'Hello' }),
    completion: { result: '{"embeddings":["AACAPw=="]}', result_type: 'embeddings' },
  },
  'POST /v1/files': { body: () => fileForm('{}\n') },
  'GET /v1/files': { file: true },
  'GET /v1/files/{id}': { file: true },
  'DELETE /v1/files/{id}': { file: true },
  'GET /v1/files/{id}/content': { file: true },
  'POST /v1/batches': { file: true, body: ({ files }) => newBatch(files) },
  'GET /v1/batches': { batch: true },
  'GET /v1/batches/{id}': { batch: true },
  'POST /v1/batches/{id}/cancel': { batch: true },
  'POST /v1/webhooks': { body: () => newWebhook },
  'GET /v1/webhooks': { webhook: true },
  'GET /v1/webhooks/key': {},
  'GET /v1/webhooks/secret': {},
  'POST /v1/webhooks/secret/rotate': {},
  'GET /v1/webhooks/{id}': { webhook: true },
  'PATCH /v1/webhooks/{id}': { webhook: true, body: () => ({ description: 'Mine' }) },
  'DELETE /v1/webhooks/{id}': { webhook: true },
  'POST /v1/webhooks/{id}/rotate-secret': { webhook: true },
  'POST /v1/webhooks/{id}/test': { webhook: true },
  'GET /v1/webhooks/{id}/deliveries': { webhook: true },
  'POST /v1/webhooks/{id}/deliveries/{delivery}/redeliver': { webhook: true },
  'POST /v1/webhooks/{id}/redeliver': { webhook: true, body: () => ({ since: '2026-01-24T00:00:00Z' }) },
  'POST /v1/miners/register': { body: scene => ({ ...asMiner(scene), capabilities: [scene.model] }) },
  'POST /v1/miners/{id}/heartbeat': { job: 'running', body: ({ jobs }) => ({ jobs: [jobs] }) },
  'POST /v1/miners/{id}/claims': {},
  'POST /v1/miners/{id}/chunks': {
    job: 'running',
    body: ({ jobs }) => ({ streams: [{ job_id: jobs, first: 0, chunks: ['Hello'] }] }),
  },
  'POST /v1/miners/{id}/drain': {},
  'POST /v1/miners/{id}/resume': {},
  'GET /v1/account/miners': {},
  'POST /v1/miners/{id}/suspend': { admin: true },
  'POST /v1/miners/{id}/reinstate': { admin: true },
  'GET /v1/operator/problems': { admin: true },
  'GET /v1/operator/configuration': { admin: true },
  'DELETE /v1/miners/{id}': { job: 'running' },
  'GET /v1/jobs/available': { query: scene => `?miner_id=${scene.miners}` },
  'POST /v1/jobs/{id}/claim': { body: asMiner },
  'POST /v1/jobs/{id}/release': { job: 'running', body: asMiner },
  'POST /v1/jobs/{id}/chunks': {
    job: 'running',
    body: scene => ({ ...asMiner(scene), first: 0, chunks: ['Hello'] }),
  },
  'POST /v1/jobs/{id}/complete': {
    job: 'running',
    body: scene => ({ ...asMiner(scene), result: 'Hello, you!' }),
  },
  'POST /v1/jobs/{id}/fail': {
    job: 'running',
    body: scene => ({ ...asMiner(scene), error: 'Out of memory' }),
  },
};

/** Where a template does not name one of the scene's. */
const PATHS: Readonly<Record<string, string>> = {
  '/ledger/tile/{level}/{*}': '/ledger/tile/0/000.p/1',
  '/v1/accounts/{address}': `/v1/accounts/${ADDRESS}`,
  '/explorer/blocks/{id}': '/explorer/blocks/0',
  '/explorer/addresses/{address}': `/explorer/addresses/${ADDRESS}`,
  '/explorer/addresses/{address}/days': `/explorer/addresses/${ADDRESS}/days`,
};

let scenes = 0;

/** The weights of a scene's model. */
const weightsOf = (model: string) => `sha256:${hash('sha256', model)}`;

/** Long enough to be accused. */
const ANSWER = 'Hello, you! '.repeat(4);

/** Prepares what the request to a route is about: a job and a miner that no other scene has. */
export async function prepareScene(
  coordinator: TestCoordinator,
  route: string,
  keys: { client?: string | undefined; miner?: string | undefined; manager?: string | undefined } = {},
): Promise<Scene> {
  const client = actions(coordinator, keys.client);
  const owner = actions(coordinator, keys.miner);
  const name = `scene-${++scenes}`;
  const {
    payout,
    job = payout && 'completed',
    grant,
    admin,
    file,
    batch,
    apiKey,
    webhook,
    invitation,
    notice,
    verification,
  } = REQUESTS[route] ?? {};
  const key =
    grant || payout || admin || apiKey || invitation || notice ? await coordinator.key('admin') : '';
  // Without an API key, the owner of the miner is whoever has its private key.
  const signer =
    payout && keys.miner === undefined ? signerFromSeed(new Uint8Array(32).fill(scenes)) : undefined;
  await owner.register(name, {
    capabilities: [name],
    ...(signer && { address: addressFromPublicKey(signer.keyId) }),
  });
  const { job_id } = await client.submit({ model: name });
  if (job) await owner.claim(job_id, name);
  // A payout needs something earned.
  if (payout) coordinator.moveClock({ seconds: 1 });
  const isCompleted = job === 'completed' || job === 'published';
  const receipt = isCompleted ? await owner.complete(job_id, name, ANSWER) : undefined;
  const verified =
    receipt &&
    verification &&
    (await makeVerification(coordinator, receipt, {
      state: verification,
      key: keys.miner,
      weights: weightsOf(name),
    }));
  const paid = receipt && payout && (await makePayout(coordinator, key, { to: receipt.provider }));
  const status = route.endsWith('/dispute') ? 'disputed' : 'confirmed';
  const answer = signer && paid && { signature: await signPayoutAnswer(answerTo(paid, status), signer) };
  const granted = grant && (await makeGrant(coordinator, key));
  const uploaded = (file || batch) && (await upload(coordinator, fileForm('{}\n'), keys.client));
  const managed = apiKey && (await makeManagedKey(coordinator, keys.manager ?? key));
  const invited = invitation && (await makeInvitation(coordinator, key));
  const told = notice && (await post<Notice>(coordinator, '/v1/notices', { text: 'Hello' }, key));
  const begun = batch && uploaded && (await begin(coordinator, newBatch(uploaded.id), keys.client));
  const hook = webhook && (await register(coordinator, keys.client));
  if ([job, grant, payout].includes('published')) await coordinator.publish();
  return {
    jobs: job_id,
    miners: name,
    receipts: receipt?.receipt_id ?? '',
    transactions: receipt ? hashOf(receipt) : '',
    grants: granted?.grant_id ?? '',
    payouts: paid?.payout_id ?? '',
    payee: paid?.to ?? '',
    answer: answer ?? {},
    files: uploaded?.id ?? '',
    batches: begun?.id ?? '',
    'api-keys': managed?.id ?? '',
    webhooks: hook?.webhook.id ?? '',
    deliveries: hook?.delivery.id ?? '',
    invitations: invited?.id ?? '',
    token: invited?.token ?? '',
    notices: told?.id ?? '',
    verifications: verified ?? '',
    model: name,
    caller: admin || apiKey ? { key } : {},
  };
}

async function makeInvitation(coordinator: TestCoordinator, key: string): Promise<InvitationWithToken> {
  const body = { uses: 100 };
  const answer = await coordinator.call<InvitationWithToken>('POST', '/v1/invitations', body, { key });
  if (answer.status !== 201) throw new Error(`Nobody was invited: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A key that the holder of another one has made. */
async function makeManagedKey(coordinator: TestCoordinator, key: string): Promise<ApiKey> {
  const answer = await coordinator.call<ApiKey>('POST', '/v1/api-keys', { scopes: ['keys'] }, { key });
  if (answer.status !== 201) throw new Error(`No key was made: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What a receipt is known by in the ledger. */
export const hashOf = (receipt: Receipt) =>
  Buffer.from(leafHash(Buffer.from(canonicalJson(receipt)))).toString('hex');

/** A grant to somebody, by an administrator's key. */
export async function makeGrant(
  coordinator: TestCoordinator,
  key: string,
  grant: Partial<NewGrant> = {},
): Promise<Grant> {
  const answer = await coordinator.call<Grant>(
    'POST',
    '/v1/grants',
    { to: ADDRESS, amount: 1, ...grant },
    { key },
  );
  if (answer.status !== 201) throw new Error(`Nothing was granted: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A payout by an administrator's key. */
export async function makePayout(
  coordinator: TestCoordinator,
  key: string,
  payout: Pick<NewPayout, 'to'> & Partial<NewPayout>,
): Promise<Payout> {
  const body = { amount: 0.000001, method: 'cash', ...payout };
  return (await post<TrackedPayout>(coordinator, '/v1/payouts', body, key)).payout;
}

/** What a provider signs to answer a payout. */
export const answerTo = (
  { payout_id, to, amount, coordinator_id }: Payout,
  status: PayoutAnswer['status'],
  reason = 'Nothing has arrived',
): PayoutAnswer => ({
  ...{ payout_id, to, amount, coordinator_id, status },
  reason: status === 'disputed' ? reason : null,
});

/** Uploads a file by a client's key. */
export const upload = (coordinator: TestCoordinator, form: FormData, key: string | undefined) =>
  post<FileObject>(coordinator, '/v1/files', form, key);

/** Begins a batch by a client's key. */
export const begin = (coordinator: TestCoordinator, batch: CreateBatch, key: string | undefined) =>
  post<Batch>(coordinator, '/v1/batches', batch, key);

/** Nobody listens there. */
export const newWebhook = { url: 'http://127.0.0.1:9/hook', events: ['job.failed'] };

/** Registers a webhook by a client's key, and queues a delivery to it. */
async function register(coordinator: TestCoordinator, key: string | undefined) {
  const webhook = await post<CreatedWebhook>(coordinator, '/v1/webhooks', newWebhook, key);
  const path = `/v1/webhooks/${webhook.id}/test`;
  return { webhook, delivery: await post<WebhookDelivery>(coordinator, path, undefined, key) };
}

async function post<Body>(
  coordinator: TestCoordinator,
  path: string,
  body: object | undefined,
  key: string | undefined,
): Promise<Body> {
  const answer = await coordinator.call<Body>('POST', path, body, key === undefined ? {} : { key });
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Sends the request of a route, below a prefix if one is given, and changed where that is asked for. */
export async function requestRoute(
  coordinator: TestCoordinator,
  route: string,
  scene: Scene,
  { prefix = '', ...options }: CallOptions & { prefix?: string } = {},
  changed: Pick<RouteRequest, 'query' | 'body'> = {},
): Promise<Answer> {
  const [method = '', template = ''] = route.split(' ');
  const { query, body } = { ...REQUESTS[route], ...changed };
  const noun = template.split('/')[2] as keyof Scene;
  const path =
    prefix +
    (PATHS[template] ??
      template
        .replace('{delivery}', scene.deliveries)
        .replace(/\{\w+\}/, scene[noun] as string)
        .replace('{*}', scene.model)) +
    (query?.(scene) ?? '');
  return await coordinator.call(method, path, body?.(scene), options);
}

/** As `requestRoute`, and the scene's miner does the work that the answer waits for. */
export async function requestServed(
  coordinator: TestCoordinator,
  route: string,
  scene: Scene,
  { minerKey, ...options }: Parameters<typeof requestRoute>[3] & { minerKey?: string | undefined } = {},
): Promise<Answer> {
  const answer = requestRoute(coordinator, route, scene, options);
  const completion = REQUESTS[route]?.completion;
  if (completion) {
    const owner = minerKey === undefined ? {} : { key: minerKey };
    const mine = (path: string, body: object) =>
      coordinator.call<{ jobs: { job_id: string }[] }>('POST', path, body, owner);
    const { body } = await mine(`/v1/miners/${scene.miners}/claims`, { wait: 15 });
    for (const { job_id } of body.jobs)
      await mine(`/v1/jobs/${job_id}/complete`, { ...asMiner(scene), ...completion });
  }
  return await answer;
}
