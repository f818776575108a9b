import type { Job, Receipt } from '@aitbc/protocol';
import { canonicalJson, generateSigner, signAttestation, textHash, verifyDisclosure } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const weather = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
} as const;
const call = {
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: '{"city":"Köln"}' },
} as const;

const chat = {
  messages: [
    { role: 'system' as const, content: 'You are brief.' },
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'Is this Köln?' },
        { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
    { role: 'assistant' as const, content: null, tool_calls: [call] },
    { role: 'tool' as const, content: 'rain', tool_call_id: 'call_1' },
  ],
  tools: [weather],
  tool_choice: 'auto' as const,
  response_format: { type: 'json_object' as const },
};

describeOneEngine('a job with messages', engine => {
  const coordinator = withCoordinator(engine, { promptLimit: 4096, retentionDays: 1 });
  const { job, submit, register, claims, complete } = actions(coordinator);
  let models = 0;

  /** A job, and a miner of its own that has claimed it. */
  async function claimed(request: object, registration: object = {}) {
    const model = `model-${++models}`;
    const { job_id, salt } = await submit({ prompt: undefined as never, model, ...request });
    await register(model, { capabilities: [model], ...registration });
    const [held] = await claims(model);
    return { job_id, salt, held, miner: model };
  }
  const finish = (jobId: string, miner_id: string, completion: object) =>
    coordinator.call<Receipt>('POST', `/v1/jobs/${jobId}/complete`, { miner_id, ...completion });

  test('comes to its miner with all that was asked', async () => {
    const { job_id, held } = await claimed(chat);
    expect(held).toMatchObject(chat);
    expect(await job(job_id)).toMatchObject(chat);
  });

  test('is committed to by the canonical JSON of what was asked, which its prompt shows', async () => {
    const { job_id, salt, held, miner } = await claimed(chat);
    const receipt = await complete(job_id, miner);
    const prompt = canonicalJson(chat);
    expect([held?.prompt, receipt.prompt_hash]).toEqual([prompt, textHash(salt, prompt)]);
    expect(verifyDisclosure({ receipt, salt, prompt })).toMatchObject({ prompt: true });
  });

  test('is signed by its miner as any other', async () => {
    const signer = await generateSigner();
    const { job_id, salt, held, miner } = await claimed(chat, { public_key: signer.keyId });
    const result = 'It rains.';
    const statement = {
      job_id,
      model: miner,
      prompt_hash: textHash(salt, held?.prompt ?? ''),
      artifact_hash: textHash(salt, result),
    };
    const signature = await signAttestation(statement, signer);
    const { body } = await finish(job_id, miner, { result, signature });
    expect(body.metadata.signatures).toEqual([signature]);
  });

  test('may end with calls of tools, which the receipt is for', async () => {
    const { job_id, salt, miner } = await claimed(chat);
    const result = JSON.stringify({ content: null, tool_calls: [call] });
    const completion = { result, result_type: 'message', finish_reason: 'tool_calls' };
    const { body: receipt } = await finish(job_id, miner, completion);
    expect(await job(job_id)).toMatchObject(completion);
    expect(verifyDisclosure({ receipt, salt, result })).toMatchObject({ result: true });
  });

  test.each([
    ['message', 'a text'],
    ['message', '{"content":"no call"}'],
    ['embeddings', '{"embeddings":[0.5]}'],
  ])('ends with no result of the type %s that is none: %s', async (result_type, result) => {
    const { job_id, miner } = await claimed(chat);
    const answer = await finish(job_id, miner, { result, result_type });
    expect(refusal(answer)).toEqual([400, 'VALIDATION_INVALID_FORMAT', 'result']);
  });

  test('loses them with its other texts', async () => {
    const { job_id, miner } = await claimed(chat);
    await finish(job_id, miner, { result: 'Rain', finish_reason: 'stop' });
    await coordinator.pass({ seconds: 24 * 3600 });
    const erased = await job(job_id);
    expect(JSON.stringify(erased)).not.toMatch(/Köln|brief/);
    expect(Object.keys(erased)).not.toContain('messages');
  });

  const user = { role: 'user', content: 'Hello' };
  const image = (url: string) => ({ type: 'image_url', image_url: { url } });
  test.each<[string, object, string, string]>([
    ['nothing that is asked', {}, 'VALIDATION_MISSING_FIELD', 'prompt'],
    ['a prompt as well', { prompt: 'Hi', messages: [user] }, 'VALIDATION_INVALID_FORMAT', 'messages'],
    ['tools for a prompt', { prompt: 'Hi', tools: [weather] }, 'VALIDATION_INVALID_FORMAT', 'tools'],
    ['no message', { messages: [] }, 'VALIDATION_OUT_OF_RANGE', 'messages'],
    ['no such role', { messages: [{ role: 'robot' }] }, 'VALIDATION_INVALID_FORMAT', 'messages.0.role'],
    [
      'a user who says nothing',
      { messages: [user, { role: 'user', content: null }] },
      'VALIDATION_MISSING_FIELD',
      'messages.1.content',
    ],
    [
      'a tool that answers no call',
      { messages: [{ role: 'tool', content: 'x' }] },
      'VALIDATION_MISSING_FIELD',
      'messages.0.tool_call_id',
    ],
    [
      'calls by a user',
      { messages: [{ ...user, tool_calls: [call] }] },
      'VALIDATION_INVALID_FORMAT',
      'messages.0.tool_calls',
    ],
    [
      'an image to fetch',
      { messages: [{ role: 'user', content: [image('http://10.0.0.1/cat.png')] }] },
      'VALIDATION_INVALID_FORMAT',
      'messages.0.content.0.image_url.url',
    ],
    [
      'a tool that is not there',
      { messages: [user], tools: [weather], tool_choice: { type: 'function', function: { name: 'other' } } },
      'VALIDATION_INVALID_FORMAT',
      'tool_choice',
    ],
    [
      'more than a prompt may have',
      { messages: [{ role: 'user', content: 'x'.repeat(4096) }] },
      'VALIDATION_PROMPT_TOO_LONG',
      'messages',
    ],
  ])('is refused with %s', async (_, request, code, field) => {
    const answer = await coordinator.call<Job>('POST', '/v1/jobs', { model: 'llama3.2', ...request });
    expect(refusal(answer)).toEqual([400, code, field]);
  });
});
