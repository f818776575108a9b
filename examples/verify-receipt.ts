/*
 * Runs a job and checks its receipt as a stranger would. Then it checks the texts, which only the job's owner can
 * disclose.
 *
 *   npx node examples/verify-receipt.ts
 */
import { verifyDisclosure, verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;

const client = new CoordinatorClient(AITBC_COORDINATOR, AITBC_API_KEY);
/**
 * Fetch and keep the keys before the job: a coordinator that later signs with another key has to explain it.
 */
const keys = await client.signingKeys.list();

const { job_id, salt } = await client.jobs.submit({ prompt: 'What is 6 times 7?', model: 'llama3.2' });
const { prompt, result } = await client.jobs.wait(job_id);
const receipt = await client.jobs.receipt(job_id);

const { valid, checks } = await verifyReceipt(receipt, { keys });
for (const { ok, name, detail } of checks) console.log(ok ? '✓' : '✗', name, detail);
console.log(
  valid ? 'The receipt is valid' : 'The receipt is NOT valid',
  `and costs ${receipt.price} credits`,
);

const forged = await verifyReceipt({ ...receipt, price: receipt.price + 1 }, { keys });
console.log('With another price it is', forged.valid ? 'valid' : 'not valid');

const match = verifyDisclosure({ receipt, salt, prompt: prompt ?? '', result: result ?? '' });
console.log('It is for this prompt:', match.prompt, 'and this result:', match.result);
