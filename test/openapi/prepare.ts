import type { RunningCoordinator } from '@aitbc/coordinator';
import type { Batch, FileObject, Grant, TrackedPayout, Transaction } from '@aitbc/protocol';
import { addressFromLabel } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';

/** Keys by scope. A scope without a key needs none. */
export type Keys = Partial<Record<'client' | 'miner' | 'admin' | 'keys' | 'metrics', string>>;

const ADDRESS = addressFromLabel('openapi/newcomer');

const BATCH_LINE = JSON.stringify({
  ...{ custom_id: '1', method: 'POST', url: '/v1/completions' },
  body: { model: 'llama3.2', prompt: 'Hello' },
});

/** Creates one object of each kind, and returns the ids by the word that precedes them in paths. */
export async function prepare(coordinator: RunningCoordinator, keys: Keys): Promise<Record<string, string>> {
  const { url } = coordinator;
  const call = async <Body>(path: string, scope: keyof Keys, body?: FormData | object): Promise<Body> => {
    const headers = new Headers(keys[scope] === undefined ? {} : { 'x-api-key': keys[scope] });
    if (body && !(body instanceof FormData)) headers.set('content-type', 'application/json');
    const sent = body instanceof FormData ? body : body && JSON.stringify(body);
    const answer = await fetch(
      url + path,
      sent === undefined ? { headers } : { method: 'POST', headers, body: sent },
    );
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return (await answer.json()) as Body;
  };

  const client = new CoordinatorClient(url, keys.client === undefined ? {} : { apiKey: keys.client });
  // Longer than the jobs of Schemathesis may wait, since it must complete.
  const { job_id } = await client.jobs.submit({ prompt: 'Hello', model: 'llama3.2', ttl_seconds: 60 });
  const { receipt_id } = await client.waitForJob(job_id);
  const grant = await call<Grant>('/v1/grants', 'admin', { to: ADDRESS, amount: 1 });
  const { provider } = await client.receipts.get(receipt_id ?? '');
  const { payout } = await call<TrackedPayout>('/v1/payouts', 'admin', {
    ...{ to: provider, amount: 0.000001, method: 'cash' },
  });
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new File([BATCH_LINE], 'requests.jsonl'));
  const file = await call<FileObject>('/v1/files', 'client', form);
  const batch = await call<Batch>('/v1/batches', 'client', {
    ...{ input_file_id: file.id, endpoint: '/v1/completions', completion_window: '24h' },
  });
  await coordinator.publish();
  const [transaction] = await call<Transaction[]>('/explorer/transactions', 'client');
  return {
    ...{
      jobs: job_id,
      receipts: receipt_id ?? '',
      grants: grant.grant_id,
      payouts: payout.payout_id,
      files: file.id,
      batches: batch.id,
    },
    ...{ models: 'llama3.2', miners: 'lab', accounts: ADDRESS, addresses: ADDRESS },
    ...{ transactions: transaction?.hash ?? '', blocks: '0' },
  };
}
