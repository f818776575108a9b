/*
 * Sends each line of a text as a request of one batch with OpenAI's own client, and shows the progress.
 *
 *   npx node examples/openai-batch.ts prompts.txt
 */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import OpenAI from 'openai';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY = 'unused' } = process.env;
const [path] = process.argv.slice(2);

const text = path === undefined ? 'Hello!\nGoodbye!\n' : await readFile(path, 'utf8');
const requests = text
  .trim()
  .split('\n')
  .map((content, line) =>
    JSON.stringify({
      custom_id: `line-${line + 1}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'llama3.2', messages: [{ role: 'user', content }] },
    }),
  );

const openai = new OpenAI({ baseURL: `${AITBC_COORDINATOR}/v1`, apiKey: AITBC_API_KEY });
const file = await openai.files.create({
  purpose: 'batch',
  file: new File([requests.join('\n')], 'requests.jsonl'),
});
let batch = await openai.batches.create({
  input_file_id: file.id,
  endpoint: '/v1/chat/completions',
  completion_window: '24h',
});
while (['validating', 'in_progress', 'finalizing'].includes(batch.status)) {
  await setTimeout(500);
  batch = await openai.batches.retrieve(batch.id);
  const { completed = 0, failed = 0, total = 0 } = batch.request_counts ?? {};
  console.error(`${batch.status}: ${completed} of ${total} answered, ${failed} failed`);
}
for (const { line, message } of batch.errors?.data ?? []) console.error(`line ${line}: ${message}`);

for (const id of [batch.output_file_id, batch.error_file_id]) {
  if (!id) continue;
  const lines = await (await openai.files.content(id)).text();
  for (const line of lines.trim().split('\n')) {
    const { custom_id, response, error } = JSON.parse(line);
    const { choices, error: refusal } = response?.body ?? {};
    console.log(`${custom_id}: ${choices?.[0].message.content ?? (refusal ?? error).message}`);
  }
}
