/*
 * Prints a model's answer as it comes, with OpenAI's own client. Only base URL and API key differ.
 *
 *   npx node examples/openai-client.ts "Tell me about the sea"
 */
import OpenAI from 'openai';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY = 'unused' } = process.env;
const [content = 'Tell me about the sea'] = process.argv.slice(2);

const openai = new OpenAI({ baseURL: `${AITBC_COORDINATOR}/v1`, apiKey: AITBC_API_KEY });
const stream = await openai.chat.completions.create({
  model: 'llama3.2',
  messages: [{ role: 'user', content }],
  stream: true,
});
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '');
process.stdout.write('\n');
