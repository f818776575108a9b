import type { ClaimedJobs } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const CHAT = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hello' }];

describeOneEngine('a client of OpenAI’s API', engine => {
  const coordinator = withCoordinator(engine, { retryBackoffSeconds: 0, leaseSeconds: 60 });
  const { register, job } = actions(coordinator);
  let models = 0;

  /** A miner with a model of its own, and a request for that. */
  async function asking(body: object, signal?: AbortSignal) {
    const model = `gateway-${++models}`;
    await register(model, { capabilities: [model] });
    const answer = fetch(new URL(CHAT, coordinator.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages, ...body }),
      ...(signal && { signal }),
    });
    answer.catch(() => {});
    const mine = async (path: string, body: object) =>
      (await coordinator.call<{ jobs: { job_id: string }[] }>('POST', path, body)).body;
    const claim = async () => {
      const { jobs } = await mine(`/v1/miners/${model}/claims`, { wait: 15 });
      return jobs[0]?.job_id ?? '';
    };
    const post = (id: string, first: number, chunks: string[]) =>
      mine(`/v1/jobs/${id}/chunks`, { miner_id: model, first, chunks });
    const complete = (id: string, completion: object) =>
      mine(`/v1/jobs/${id}/complete`, { miner_id: model, ...completion });
    const fail = (id: string, retryable: boolean, failure: object = {}) =>
      mine(`/v1/jobs/${id}/fail`, { miner_id: model, error: 'Out of memory', retryable, ...failure });
    return { answer, claim, post, complete, fail };
  }

  /** The data of the events of an answer. */
  async function eventsOf(response: Response) {
    const lines = (await response.text()).split('\n').filter(line => line.startsWith('data: '));
    return lines.map(line => (line === 'data: [DONE]' ? 'done' : JSON.parse(line.slice(6))));
  }
  const textOf = (events: { choices?: { delta: { content?: string } }[] }[]) =>
    events.map(event => event.choices?.[0]?.delta.content ?? '').join('');

  test('is answered in one piece, with job and receipt in the headers', async () => {
    const { answer, claim, complete } = await asking({});
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    const id = await claim();
    await complete(id, { result: 'Hello, you!', finish_reason: 'length', usage });
    const { headers, ...response } = await answer.then(async got => ({
      headers: got.headers,
      body: (await got.json()) as object,
    }));
    const { receipt_id } = await job(id);
    expect([headers.get('aitbc-job-id'), headers.get('aitbc-receipt-id')]).toEqual([id, receipt_id]);
    expect([headers.get('aitbc-miner-id'), Number(headers.get('aitbc-overhead-ms'))]).toEqual([
      (await job(id)).miner_id,
      expect.any(Number),
    ]);
    expect(response.body).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hello, you!' }, finish_reason: 'length' }],
      usage: { ...usage, total_tokens: 5 },
      aitbc: { job_id: id, receipt_id },
    });
  });

  test('has a prompt gone on with, by a job that says so', async () => {
    await register('prompted', { capabilities: ['prompted'] });
    const asked = { model: 'prompted', prompt: 'Once', max_tokens: 3 };
    const answer = coordinator.call('POST', '/v1/completions', asked);
    const { body } = await coordinator.call<ClaimedJobs>('POST', '/v1/miners/prompted/claims', { wait: 15 });
    const [job] = body.jobs;
    expect(job).toMatchObject({ prompt: 'Once', params: { max_tokens: 3, raw: true } });
    const result = { miner_id: 'prompted', result: ' upon' };
    await coordinator.call('POST', `/v1/jobs/${job?.job_id}/complete`, result);
    expect((await answer).body).toMatchObject({ object: 'text_completion', choices: [{ text: ' upon' }] });
  });

  test('is answered in pieces, as the miner posts them', async () => {
    const { answer, claim, post, complete } = await asking({
      stream: true,
      stream_options: { include_usage: true },
    });
    const id = await claim();
    await post(id, 0, ['Hello', ', ']);
    await complete(id, { result: 'Hello, you!', usage: { prompt_tokens: 3, completion_tokens: 2 } });
    const response = await answer;
    expect(response.headers.get('aitbc-miner-id')).toBe((await job(id)).miner_id);
    expect(Number(response.headers.get('aitbc-overhead-ms'))).toBeGreaterThan(0);
    const events = await eventsOf(response);
    expect([textOf(events), events.at(-1)]).toEqual(['Hello, you!', 'done']);
    expect(events.at(-3)).toMatchObject({ choices: [{ finish_reason: 'stop' }], aitbc: { job_id: id } });
    expect(events.at(-2)).toMatchObject({ choices: [], usage: { total_tokens: 5 } });
  });

  test.each([
    ['goes on where it says the same', 'Hello, you!', 'Hello, you!', 'done'],
    ['breaks off where it says something else', 'Hi, you!', 'Hello', { error: { code: 'stream_diverged' } }],
  ])('with another attempt in mid-text %s', async (_, second, text, last) => {
    const { answer, claim, post, complete, fail } = await asking({ stream: true });
    const id = await claim();
    await post(id, 0, ['Hello']);
    const response = await answer;
    await fail(id, true);
    await claim();
    await post(id, 0, [second.slice(0, 3)]);
    await complete(id, { result: second });
    const events = await eventsOf(response);
    expect(textOf(events)).toBe(text);
    expect(events.at(-1)).toEqual(
      typeof last === 'string'
        ? last
        : expect.objectContaining({ error: expect.objectContaining(last.error) }),
    );
  });

  test.each([false, true])('that hangs up cancels its job, with stream: %s', async stream => {
    const gone = new AbortController();
    const { claim } = await asking({ stream }, gone.signal);
    const id = await claim();
    gone.abort();
    await expect.poll(async () => (await job(id)).status).toBe('cancelled');
  });

  test.each([false, true])('is told by the status that its job failed, with stream: %s', async stream => {
    const { answer, claim, fail } = await asking({ stream });
    await fail(await claim(), false);
    const response = await answer;
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { error: { message: 'Out of memory', code: 'miner_failed' } },
    ]);
  });

  test.each<[string, object, (number | string)[]]>([
    ['a model that nobody offers', { model: 'nobody' }, [404, 'model_not_found', 'model']],
    ['no messages', { messages: undefined }, [400, 'missing_required_parameter', 'messages']],
    ['more answers than there may be', { n: 9 }, [400, 'invalid_value', 'n']],
    ['likely tokens without their own', { top_logprobs: 2 }, [400, 'invalid_value', 'top_logprobs']],
    ['a word that is spelled otherwise', { max_token: 5 }, [400, 'unsupported_parameter', 'max_token']],
    ['sound', { audio: { voice: 'alloy' } }, [400, 'unsupported_parameter', 'audio']],
    ['heat', { temperature: 3 }, [400, 'invalid_value', 'temperature']],
    [
      'a part of a text',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
      [400, 'invalid_type', 'messages[0].content[0].text'],
    ],
    ['a role', { messages: [{ role: 'robot' }] }, [400, 'invalid_value', 'messages[0].role']],
  ])('is refused: %s', async (_, body, expected) => {
    await register('offered', { capabilities: ['offered'] });
    const answer = await coordinator.call('POST', CHAT, { model: 'offered', messages, ...body });
    expect(refusal(answer)).toEqual(expected);
    expect(answer.headers.get('x-request-id')).toMatch(/^req-/);
  });
});
