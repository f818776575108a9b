/*
 * Prints a model's answer while it is generated. Ctrl-C cancels the job.
 *
 *   npx node examples/stream.ts "Tell me about the sea"
 */
import { CoordinatorClient } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;
const [prompt = 'Tell me about the sea'] = process.argv.slice(2);

const client = new CoordinatorClient(AITBC_COORDINATOR, AITBC_API_KEY);
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

try {
  for await (const { event, data } of client.jobs.stream(
    { prompt, model: 'llama3.2' },
    { signal: stopping.signal },
  )) {
    if (event === 'chunk') process.stdout.write(data.text);
    // The miner has vanished, and another one starts the answer again.
    if (event === 'restart') process.stdout.write(`\n\nOnce more:\n`);
    if (event === 'receipt') console.log(`\n\n${data.price} credits`);
    if (event === 'error') console.error(`\n\n${data.detail}`);
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error;
}
