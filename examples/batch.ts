/*
 * Asks one question about many texts, and prints each answer as it comes.
 *
 *   npx node examples/batch.ts
 */
import { CoordinatorClient } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;
const reviews = ['It broke on the first day.', 'My daughter loves it!', 'As expected.'];

const client = new CoordinatorClient(AITBC_COORDINATOR, AITBC_API_KEY);
const jobs = await client.jobs.submitBatch(
  reviews.map((review, number) => ({
    model: 'llama3.2',
    prompt: `Is this review positive, negative or neutral? ${review}`,
    params: { max_tokens: 20, temperature: 0 },
    ttl_seconds: 3600,
    metadata: { number },
  })),
);

/** Each waiting request holds a connection. Some at a time are enough for any number of jobs. */
const WAITING_AT_ONCE = 20;
const waiting = jobs.values();
await Promise.all(
  Array.from({ length: WAITING_AT_ONCE }, async () => {
    for (const { job_id } of waiting) {
      const { metadata, status, result } = await client.jobs.wait(job_id, { timeout: 3_600_000 });
      console.log(`${metadata?.number}: ${result ?? status}`);
    }
  }),
);
