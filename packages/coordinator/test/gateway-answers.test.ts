import type { ChatCompletion, ClaimedJobs, MinerJob, OpenAiProblem, Problem } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const CHAT = '/v1/chat/completions';
const COMPLETIONS = '/v1/completions';
const messages = [{ role: 'user', content: 'Hello' }];

interface Choice {
  index: number;
  text?: string;
  delta: { content?: string; reasoning_content?: string; refusal?: string };
  finish_reason: string | null;
  logprobs: object | null;
}
interface Piece {
  choices: Choice[];
  usage?: object;
  aitbc?: { job_id: string };
  error?: OpenAiProblem['error'];
}

describeOneEngine('an answer at the gateway', engine => {
  const coordinator = withCoordinator(engine, {
    ...{ retryBackoffSeconds: 0, leaseSeconds: 60, maxAttempts: 1, modelMemorySeconds: 600 },
  });
  let models = 0;

  /** A miner with a model of its own, for a request of which the body may be JSON already. */
  async function mining(more: object = {}) {
    const model = `answering-${++models}`;
    const call = async <Body>(path: string, body: unknown) => {
      const answer = await coordinator.call<Body>('POST', path, body);
      if (answer.status >= 300) throw new Error((answer.body as Problem).detail);
      return answer.body;
    };
    await call('/v1/miners/register', { miner_id: model, capabilities: [model], concurrency: 16, ...more });
    return {
      model,
      ask: (body: object | string, path = CHAT, headers: Record<string, string> = {}) =>
        fetch(new URL(path, coordinator.url), {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body:
            typeof body === 'string'
              ? body
              : JSON.stringify({ model, ...(path === CHAT && { messages }), ...body }),
        }),
      async claim(count = 1): Promise<MinerJob[]> {
        const jobs: MinerJob[] = [];
        while (jobs.length < count) {
          const asked = { max: count - jobs.length, wait: 15 };
          jobs.push(...(await call<ClaimedJobs>(`/v1/miners/${model}/claims`, asked)).jobs);
        }
        return jobs;
      },
      complete: (id: string, result: string, more: object = {}) =>
        call(`/v1/jobs/${id}/complete`, { miner_id: model, result, ...more }),
      fail: (id: string, failure: object) =>
        call(`/v1/jobs/${id}/fail`, { miner_id: model, error: 'It did not work', ...failure }),
      post: (id: string, first: number, chunks: unknown[]) =>
        call(`/v1/jobs/${id}/chunks`, { miner_id: model, first, chunks }),
    };
  }

  async function piecesOf(response: Response): Promise<Piece[]> {
    const lines = (await response.text()).split('\n').filter(line => line.startsWith('data: {'));
    return lines.map(line => JSON.parse(line.slice(6)));
  }
  const choicesOf = (pieces: readonly Piece[]) => pieces.flatMap(piece => piece.choices ?? []);

  test('has as many choices as were asked for, each by a job with a seed of its own', async () => {
    const { ask, claim, complete } = await mining();
    const answer = ask({ n: 3, seed: 7 });
    const jobs = await claim(3);
    for (const [at, { job_id, params }] of jobs.entries()) {
      expect(params.seed).toBe(7 + at);
      await complete(job_id, `Text ${at}`, { usage: { prompt_tokens: 5, completion_tokens: at + 1 } });
    }
    const response = await answer;
    const body = (await response.json()) as ChatCompletion;
    expect(body.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'Text 0'],
      [1, 'Text 1'],
      [2, 'Text 2'],
    ]);
    expect(body.usage).toEqual({ prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 });
    const ids = jobs.map(({ job_id }) => job_id);
    expect(body.aitbc.jobs?.map(({ job_id }) => job_id)).toEqual(ids);
    expect(response.headers.get('aitbc-job-id')).toBe(ids.join(', '));
  });

  test('tells its choices in pieces as they come, and the usage of all of them last', async () => {
    const { ask, claim, post, complete } = await mining();
    const answer = ask({ n: 2, stream: true, stream_options: { include_usage: true } });
    const [first, second] = await claim(2);
    await post(second?.job_id ?? '', 0, ['B', 'b']);
    await post(first?.job_id ?? '', 0, ['A', 'a']);
    const usage = { prompt_tokens: 5, completion_tokens: 2 };
    for (const job of [second, first])
      await complete(job?.job_id ?? '', job === first ? 'Aa!' : 'Bb!', { usage });
    const pieces = await piecesOf(await answer);
    const text = (at: number) =>
      choicesOf(pieces)
        .filter(({ index }) => index === at)
        .map(({ delta }) => delta.content ?? '')
        .join('');
    expect([text(0), text(1)]).toEqual(['Aa!', 'Bb!']);
    expect(choicesOf(pieces).filter(({ finish_reason }) => finish_reason === 'stop')).toHaveLength(2);
    expect(pieces.at(-1)?.usage).toEqual({ prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 });
  });

  test.each([false, true])(
    'with a choice that fails is a failure, and the others stop: stream %s',
    async stream => {
      const { ask, claim, fail } = await mining();
      const answer = ask({ n: 2, stream });
      const [first, second] = await claim(2);
      await fail(first?.job_id ?? '', { retryable: false });
      expect((await answer).status).toBe(502);
      const status = async () => {
        const { body } = await coordinator.call<{ status: string }>('GET', `/v1/jobs/${second?.job_id}`);
        return body.status;
      };
      await expect.poll(status).toBe('cancelled');
    },
  );

  test('is for several prompts, with the choices of each in their order', async () => {
    const { ask, claim, complete } = await mining();
    const answer = ask({ prompt: ['Once', 'Twice'], n: 2, logprobs: 1 }, COMPLETIONS);
    const jobs = await claim(4);
    expect(jobs.map(({ prompt }) => prompt)).toEqual(['Once', 'Once', 'Twice', 'Twice']);
    expect(jobs[0]?.params).toEqual({ raw: true, logprobs: true, top_logprobs: 1 });
    const logprobs = [
      { token: ' up', logprob: -0.5, bytes: null, top_logprobs: [{ token: ' up', logprob: -0.5 }] },
      { token: 'on', logprob: -1, bytes: null, top_logprobs: [{ token: 'on', logprob: -1 }] },
    ];
    for (const [at, { job_id }] of jobs.entries())
      await complete(job_id, `${at}`, {
        logprobs,
        usage: { prompt_tokens: at < 2 ? 3 : 4, completion_tokens: 1 },
      });
    const body = await (await answer).json();
    expect(body).toMatchObject({
      choices: [0, 1, 2, 3].map(index => ({ index, text: `${index}` })),
      usage: { prompt_tokens: 7, completion_tokens: 4, total_tokens: 11 },
    });
    expect(body).toMatchObject({
      choices: [
        {
          logprobs: {
            tokens: [' up', 'on'],
            token_logprobs: [-0.5, -1],
            top_logprobs: [{ ' up': -0.5 }, { on: -1 }],
            text_offset: [0, 3],
          },
        },
      ].concat(Array(3).fill({})),
    });
  });

  test.each([[[1, 2, 3]], [[[1, 2], [3]]], [['Once', [1]]]])(
    'is for texts, and to tokens as a prompt %j it is that they are not taken',
    async prompt => {
      const { ask } = await mining();
      const answer = await ask({ prompt }, COMPLETIONS);
      const { error } = (await answer.json()) as OpenAiProblem;
      expect([answer.status, error.code, error.param]).toEqual([400, 'unsupported_value', 'prompt']);
    },
  );

  test('has what the model thought, declined and weighed beside its text', async () => {
    const { ask, claim, complete } = await mining();
    const logprobs = [{ token: 'No', logprob: -0.1, bytes: [78, 111], top_logprobs: [] }];
    const usage = { prompt_tokens: 9, cached_tokens: 8, completion_tokens: 4, reasoning_tokens: 3 };
    const told = { reasoning: 'Should I?', refusal: 'I can not', logprobs, usage };
    const body = { logprobs: true, top_logprobs: 0, reasoning_effort: 'low' };
    const answers = [ask(body), ask({ ...body, stream: true, stream_options: { include_usage: true } })];
    for (const { job_id } of await claim(2)) await complete(job_id, '', told);
    const [whole, pieces] = [
      await (await answers[0])?.json(),
      await piecesOf((await answers[1]) as Response),
    ];
    const counts = {
      ...{ prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 3 },
    };
    expect(whole).toMatchObject({
      choices: [
        {
          message: { content: null, reasoning_content: 'Should I?', refusal: 'I can not' },
          logprobs: { content: logprobs },
        },
      ],
      usage: counts,
    });
    const deltas = choicesOf(pieces).map(({ delta }) => delta);
    expect(deltas).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ reasoning_content: 'Should I?' }),
        expect.objectContaining({ refusal: 'I can not' }),
      ]),
    );
    expect(choicesOf(pieces).at(-1)?.logprobs).toEqual({ content: logprobs });
    expect(pieces.at(-1)?.usage).toEqual(counts);
  });

  test('tells the reasoning before the text as it comes, and each once', async () => {
    const { ask, claim, post, complete } = await mining();
    const answer = ask({ stream: true });
    const [{ job_id = '' } = {}] = await claim();
    await post(job_id, 0, [{ reasoning: 'Hm, ' }, { reasoning: 'well' }, 'Yes']);
    await complete(job_id, 'Yes!', { reasoning: 'Hm, well' });
    const deltas = choicesOf(await piecesOf(await answer)).map(({ delta }) => delta);
    const joined = (name: 'reasoning_content' | 'content') => deltas.map(delta => delta[name] ?? '').join('');
    expect([joined('reasoning_content'), joined('content')]).toEqual(['Hm, well', 'Yes!']);
  });

  test('leaves out the counts that are not known', async () => {
    const { ask, claim, complete } = await mining();
    const answers = [ask({}), ask({})];
    const [first, second] = await claim(2);
    await complete(first?.job_id ?? '', 'Hello', { usage: { completion_tokens: 2 } });
    await complete(second?.job_id ?? '', 'b');
    const usages = await Promise.all(
      answers.map(async answer => ((await (await answer).json()) as ChatCompletion).usage),
    );
    expect(usages).toEqual(expect.arrayContaining([{ completion_tokens: 2 }, undefined]));
  });

  test('is about a history as clients send it back', async () => {
    const { ask, claim, complete } = await mining();
    const answer = ask({
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
        {
          ...{ role: 'assistant', content: null, refusal: 'I can not', annotations: [], audio: null },
          ...{ function_call: null, reasoning_content: 'Should I?', parsed: { a: 1 } },
        },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No' }], reasoning: 'Still?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'rain' }], status: 'success' },
        { role: 'user', content: 'Well?', id: 'msg_1' },
      ],
      ...{
        store: true,
        verbosity: 'low',
        prediction: { type: 'content', content: 'x' },
        service_tier: 'flex',
      },
      ...{ cache_prompt: true, top_k: 5, num_ctx: 4096, think: false, guided_json: { type: 'object' } },
    });
    const [job] = await claim();
    expect(job?.messages).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'assistant', content: 'I can not', reasoning_content: 'Should I?' },
      { role: 'assistant', content: [{ type: 'text', text: 'No' }], reasoning_content: 'Still?' },
      { role: 'assistant', content: null, tool_calls: [expect.objectContaining({ id: 'c' })] },
      { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'rain' }] },
      { role: 'user', content: 'Well?' },
    ]);
    expect(job?.params).toEqual({
      ...{ cache_prompt: true, top_k: 5, num_ctx: 4096, think: false, guided_json: { type: 'object' } },
    });
    await complete(job?.job_id ?? '', 'Well.');
    expect((await answer).status).toBe(200);
  });

  const own = {
    tools:
      '[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"steps":{"maxLength":1e2},"10":{},"2":{"minimum":1.0},"answer":{"maximum":12345678901234567890}},"required":["steps","answer"]}}}]',
    response_format:
      '{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"zeta":{},"10":{"title":"\\ud83d\\ude00"},"2":{},"alpha":{}}}}}',
    guided_json: '{"type":"object","properties":{"b":{},"10":{},"2":{},"a":{"default":-0}}}',
  };

  test.each([
    [
      'the gateway',
      CHAT,
      (model: string) =>
        `{"model":"${model}","messages":[{"role":"user","content":"x"}],"tools":${own.tools},"response_format":${own.response_format},"guided_json":${own.guided_json}}`,
    ],
    [
      'a job',
      '/v1/jobs',
      (model: string) =>
        `{"model":"${model}","messages":[{"role":"user","content":"x"}],"tools":${own.tools},"response_format":${own.response_format},"params":{"guided_json":${own.guided_json}}}`,
    ],
    [
      'a batch of jobs',
      '/v1/jobs/batch',
      (model: string) =>
        `{"jobs":[{"model":"${model}","messages":[{"role":"user","content":"x"}],"tools":${own.tools},"response_format":${own.response_format},"params":{"guided_json":${own.guided_json}}}]}`,
    ],
  ])('is to the client’s own schemas, letter by letter, by %s', async (_, path, body) => {
    const { model, ask, complete } = await mining();
    const asked = ask(body(model), path);
    const response = await fetch(new URL(`/v1/miners/${model}/claims`, coordinator.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ wait: 15 }),
    });
    const text = await response.text();
    for (const [name, value] of Object.entries(own)) expect(text).toContain(`"${name}":${value}`);
    const [job] = (JSON.parse(text) as ClaimedJobs).jobs;
    // What is hashed is the canonical JSON of the same.
    expect(job?.prompt).toBe(
      canonicalJson({
        messages,
        tools: JSON.parse(own.tools),
        response_format: JSON.parse(own.response_format),
      }).replace('Hello', 'x'),
    );
    const shown = await fetch(new URL(`/v1/jobs/${job?.job_id}`, coordinator.url));
    expect(await shown.text()).toContain(`"tools":${own.tools}`);
    await complete(job?.job_id ?? '', 'Done');
    await asked;
  });

  test('embeds what is given as tokens, one text or several', async () => {
    const { ask, claim, complete } = await mining();
    const vector = Buffer.from(new Float32Array([1, 2]).buffer).toString('base64');
    const one = ask({ input: [1, 2, 3] }, '/v1/embeddings');
    const several = ask({ input: [[1, 2], [3]] }, '/v1/embeddings');
    const jobs = await claim(2);
    expect(jobs.map(({ input }) => input)).toEqual([[[1, 2, 3]], [[1, 2], [3]]]);
    for (const { job_id, input = [] } of jobs) {
      const result = JSON.stringify({ embeddings: input.map(() => vector) });
      await complete(job_id, result, { result_type: 'embeddings', usage: { prompt_tokens: 3 } });
    }
    expect(await (await one).json()).toMatchObject({
      data: [{ index: 0, embedding: [1, 2] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    expect(((await (await several).json()) as { data: object[] }).data).toHaveLength(2);
  });

  test('may be about images far larger than a prompt, and not about more text', async () => {
    const { ask, claim, complete } = await mining();
    const image = (bytes: number) => ({
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${'A'.repeat(bytes)}` },
    });
    const about = (...content: object[]) => ask({ messages: [{ role: 'user', content }] });
    const answer = about(image(3_000_000));
    const [job] = await claim();
    await complete(job?.job_id ?? '', 'A cat');
    expect((await answer).status).toBe(200);
    const refused = [about(image(21 * 2 ** 20)), about({ type: 'text', text: 'x'.repeat(300_000) })];
    expect(await Promise.all(refused.map(async each => (await each).status))).toEqual([413, 400]);
  });

  test.each<[string, object, (number | string)[], object]>([
    [
      'refused, by the engine’s code',
      { error_class: 'refused', engine_code: 'context_length_exceeded' },
      [400, 'context_length_exceeded'],
      { type: 'invalid_request_error' },
    ],
    [
      'refused, without one',
      { error_class: 'refused', engine_code: '400' },
      [400, 'job_refused'],
      { type: 'invalid_request_error' },
    ],
    [
      'unsupported',
      { error_class: 'unsupported' },
      [400, 'unsupported_by_engine'],
      { type: 'invalid_request_error' },
    ],
    ['busy', { error_class: 'busy' }, [503, 'miners_busy'], { type: 'server_error' }],
    [
      'broken',
      { error_class: 'broken', engine_code: 'cuda' },
      [502, 'miner_failed'],
      { type: 'server_error' },
    ],
    ['without a class', {}, [502, 'miner_failed'], { type: 'server_error' }],
  ])('that is none keeps the class of its failure: %s', async (_, failure, expected, error) => {
    const { ask, claim, fail, post } = await mining();
    const answers = [ask({}), ask({ stream: true })];
    const [whole, streamed] = (await claim(2)).sort((a, b) => Number(a.stream) - Number(b.stream));
    await fail(whole?.job_id ?? '', failure);
    await post(streamed?.job_id ?? '', 0, ['Hello']);
    const stream = await answers[1];
    await fail(streamed?.job_id ?? '', failure);
    const response = (await answers[0]) as Response;
    const body = (await response.json()) as OpenAiProblem;
    expect([response.status, body.error.code]).toEqual(expected);
    expect(body.error).toMatchObject({ message: expect.stringContaining('It did not work'), ...error });
    expect(response.headers.get('x-should-retry')).toBe(String(expected[0] === 503));
    expect(response.headers.has('retry-after')).toBe(expected[0] === 503);
    // In mid-stream there is no status left to tell it by.
    expect((await piecesOf(stream as Response)).at(-1)?.error).toEqual(body.error);
  });

  test('is none where no miner that is there can do it, and says what is lacking', async () => {
    const { model, ask } = await mining();
    const abilities = {
      embeddings: false,
      images: false,
      tools: false,
      json_schema: true,
      context_length: 4096,
    };
    await coordinator.call('POST', '/v1/miners/register', {
      miner_id: model,
      capabilities: [model],
      models: [{ model, ...abilities }],
    });
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const asked: [string, object][] = [
      ['/v1/embeddings', { input: 'x' }],
      [CHAT, { messages: [{ role: 'user', content: [image] }] }],
      [CHAT, { messages, tools }],
    ];
    for (const [path, body] of asked) {
      const answer = await coordinator.call('POST', path, { model, ...body });
      expect(refusal(answer)).toEqual([400, 'unsupported_by_model']);
      expect((answer.body as OpenAiProblem).error.message).toMatch(
        /none (embeds texts|takes images|calls tools)/,
      );
    }
    const { body } = await coordinator.call<object>('GET', `/v1/models/${model}`);
    expect(body).toMatchObject({ context_length: 4096, aitbc: abilities });
    const long = await ask({ messages: [{ role: 'user', content: 'long '.repeat(200_000) }] });
    expect(long.status).toBe(400);
  });

  test('is that of the first request where it is repeated with its idempotency key, also when the miners are away', async () => {
    const { ask, claim, complete } = await mining();
    const repeat = (body: object = {}) => ask({ n: 2, ...body }, CHAT, { 'idempotency-key': 'again' });
    const first = repeat();
    const jobs = await claim(2);
    for (const [at, { job_id }] of jobs.entries()) await complete(job_id, `Text ${at}`);
    const wanted = await (await first).json();
    expect(await (await repeat()).json()).toEqual(wanted);
    await coordinator.pass({ seconds: 120 });
    expect(await (await repeat()).json()).toEqual(wanted);
    expect((await repeat({ temperature: 0 })).status).toBe(409);
    expect((await ask({})).status).toBe(503);
  });

  test.each([false, true])(
    'is to be asked for again when a busy miner has said so: stream %s',
    async stream => {
      const { ask, claim, fail } = await mining();
      const answer = ask({ stream });
      const [{ job_id = '' } = {}] = await claim();
      await fail(job_id, { error_class: 'busy', retry_after: 37 });
      expect((await answer).headers.get('retry-after')).toBe('37');
      const { body } = await coordinator.call<object>('GET', `/v1/jobs/${job_id}`);
      expect(body).toMatchObject({ error: { error_code: 'MINERS_BUSY', retry_after: 37 } });
    },
  );

  test('is to be asked for again where its model’s miners are away for the moment, also after a restart', async () => {
    const { model } = await mining();
    await coordinator.pass({ seconds: 120 });
    const ask = () => coordinator.call('POST', CHAT, { model, messages });
    const away = [await ask(), await coordinator.call('GET', `/v1/models/${model}`)];
    await coordinator.restart();
    for (const answer of [...away, await ask()]) {
      expect(refusal(answer)).toEqual([503, 'model_unavailable', 'model']);
      expect(answer.headers.get('retry-after')).toBe('10');
    }
    await coordinator.pass({ seconds: 600 });
    expect(refusal(await ask())).toEqual([404, 'model_not_found', 'model']);
  });

  test('has no character at which readers of lines break one, in streams and in events', async () => {
    const { ask, claim, post, complete } = await mining();
    const answer = ask({ stream: true });
    const [{ job_id = '' } = {}] = await claim();
    const text = 'a\u2028b\u2029c\u0085d';
    await post(job_id, 0, [text]);
    await complete(job_id, text);
    const streamed = await (await answer).text();
    const events = await (await fetch(new URL(`/v1/jobs/${job_id}/events`, coordinator.url))).text();
    for (const told of [streamed, events]) {
      expect(told).not.toMatch(/[\u0085\u2028\u2029]/);
      expect(told).toContain('a\\u2028b\\u2029c\\u0085d');
    }
  });
});
