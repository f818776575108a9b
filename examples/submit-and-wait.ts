/*
 * Submits a prompt, waits for the answer, and shows the state of the job meanwhile.
 *
 *   npx node examples/submit-and-wait.ts "What is 6 times 7?"
 */
import { CoordinatorClient } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;
const [prompt = 'What is 6 times 7?'] = process.argv.slice(2);

const client = new CoordinatorClient(AITBC_COORDINATOR, AITBC_API_KEY);
const { job_id } = await client.jobs.submit({ model: 'llama3.2', prompt, params: { max_tokens: 200 } });
const job = await client.jobs.wait(job_id, {
  timeout: 10 * 60_000,
  onUpdate: ({ status, queue }) => console.error(status, queue?.reason ?? ''),
});

if (job.status === 'completed') console.log(job.result);
else throw new Error(`${job_id} ${job.status}: ${job.error?.detail}`);
