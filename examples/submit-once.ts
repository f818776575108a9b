/*
 * Gets a description of each order exactly once, even when this program crashes before it has stored the answer: run
 * again, it gets the same job. The name of the order is the idempotency key.
 *
 *   npx node examples/submit-once.ts order-17 "a red shoe"
 */
import { CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;
const [order = 'order-17', product = 'a red shoe'] = process.argv.slice(2);

const client = new CoordinatorClient(AITBC_COORDINATOR, { apiKey: AITBC_API_KEY ?? null, maxRetries: 5 });
try {
  const job = await client.jobs.submit(
    { model: 'llama3.2', prompt: `Describe ${product} in one sentence.` },
    { idempotencyKey: order },
  );
  const { result } = await client.jobs.wait(job.job_id);
  console.log(job.job_id, result);
} catch (error) {
  if (!isCoordinatorError(error, 'IDEMPOTENCY_KEY_REUSED')) throw error;
  console.log(`${order} was for another product before`);
}
