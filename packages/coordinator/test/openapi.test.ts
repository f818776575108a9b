import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';
import { type Operation, type Reference, readReference, routesOf } from './harness/reference.ts';
import { prepareScene, REQUESTS, requestServed } from './harness/scenes.ts';

interface Described {
  status: number;
  query?: string[];
  body?: string[];
  answer?: string[];
}

/** The routes of the tutorial, with the fields that it sends and reads. */
const TUTORIAL: Record<string, Described> = {
  'GET /health': { status: 200 },
  'GET /v1/stats': { status: 200 },
  'POST /v1/jobs': {
    status: 201,
    body: ['prompt', 'model', 'params', 'params.max_tokens', 'params.temperature'],
    answer: ['job_id', 'status', 'created_at'],
  },
  'GET /v1/jobs/{id}': {
    status: 200,
    answer: ['job_id', 'status', 'result', 'miner_id', 'started_at', 'completed_at'],
  },
  'GET /v1/jobs': { status: 200, query: ['status', 'limit'] },
  'POST /v1/jobs/{id}/cancel': { status: 200 },
  'POST /v1/miners/register': {
    status: 201,
    body: ['miner_id', 'capabilities', 'gpu_info', 'gpu_info.name', 'gpu_info.memory'],
  },
  'GET /v1/jobs/available': { status: 200, query: ['miner_id'], answer: ['job_id', 'prompt'] },
  'POST /v1/jobs/{id}/claim': { status: 200, body: ['miner_id'] },
  'POST /v1/jobs/{id}/complete': { status: 200, body: ['miner_id', 'result', 'completed_at'] },
  'GET /v1/receipts/{id}': { status: 200 },
  'GET /v1/receipts': { status: 200, query: ['client', 'limit'] },
  'GET /explorer/blocks': { status: 200 },
  'GET /explorer/transactions': { status: 200 },
  'GET /explorer/receipts': { status: 200 },
  'GET /explorer/stats': { status: 200 },
};

const OPENAI_ERROR = ['error.message', 'error.type', 'error.param', 'error.code'];

const missing: Operation = { operationId: '', responses: {} };

interface Schema {
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
}

/** Names of all fields of an object, dotted where one is within another. */
function fieldsOf({ properties = {}, anyOf = [] }: Schema, within = ''): string[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => [
    within + name,
    ...fieldsOf(schema, `${within}${name}.`),
  ]);
  return [...own, ...anyOf.flatMap(schema => fieldsOf(schema, within))];
}

function schemaIn(
  content: Record<string, { schema: object }> | undefined,
  type = 'application/json',
): Schema {
  return content?.[type]?.schema ?? {};
}

/** Routes that answer as CSV and as lines of JSON, too. */
const REPORTS = ['GET /v1/audit-log', 'GET /v1/usage', 'GET /v1/earnings'];

/** Answered as events too, where the request has `stream`. */
const STREAMED = ['POST /v1/chat/completions', 'POST /v1/completions'];

/** Requests that are taken but for one value, by their routes. */
const REFUSED: [route: string, taken: object, refused: object][] = [
  ['POST /v1/chat/completions', says({ type: 'text', text: '5' }), says({ type: 'text', text: 5 })],
  ['POST /v1/chat/completions', says(imageIn('high')), says(imageIn('highest'))],
  ['POST /v1/jobs', hello({ priority: 3 }), hello({ priority: 4 })],
  [
    'POST /v1/jobs',
    hello({ replication: 2, params: { temperature: 0, seed: 1 } }),
    hello({ replication: 2, params: { temperature: 0 } }),
  ],
  ['POST /v1/jobs', hello({ constraints: { max_price: 1 } }), hello({ constraints: { max_price: 0.9 } })],
];

function says(part: object) {
  return { model: 'nobodys', messages: [{ role: 'user', content: [part] }] };
}

function imageIn(detail: string) {
  return { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail } };
}

function hello(more: object) {
  return { model: 'nobodys', prompt: 'Hello', ...more };
}

describeOneEngine('/openapi.json', engine => {
  const coordinator = withCoordinator(engine, { maxPriority: 3, rate: 1, minRunSeconds: 1 });
  const validator = new Validator();
  let reference: Reference;
  let routes: Map<string, Operation>;
  beforeAll(async () => {
    reference = await readReference(coordinator);
    await validator.validate(structuredClone(reference) as never);
    routes = routesOf(validator.resolveRefs() as never);
  });

  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(reference) as never);
    expect([valid, errors]).toEqual([true, undefined]);
    expect(reference.openapi).toMatch(/^3\.1\./);
  });

  test('is sent again only where it has changed', async () => {
    const get = (tag: string) =>
      coordinator.call('GET', '/openapi.json', undefined, { headers: { 'if-none-match': tag } });
    const { status, headers } = await get('"another"');
    const etag = headers.get('etag') ?? '';
    expect([status, etag]).toEqual([200, expect.stringMatching(/^"[0-9a-f]{64}"$/)]);
    for (const known of [etag, `W/${etag}`, `"another", ${etag}`, '*'])
      expect(await get(known)).toMatchObject({ status: 304, body: '' });
  });

  test('names the schemas that several routes share', () => {
    expect(Object.keys(reference.components.schemas)).toContain('Job');
    for (const name of Object.keys(reference.components.schemas)) expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
  });

  test('says of each route what it does, by a name of its own', () => {
    const operations = [...routes.values()];
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(routes.size);
    for (const { summary } of operations) expect(summary).toMatch(/\w/);
  });

  test('describes a request to each route here', () => {
    expect([...routes.keys()].sort()).toEqual(Object.keys(REQUESTS).sort());
  });

  test('names both places where the API is served', () => {
    expect(reference.servers.map(({ url }) => url)).toEqual(['/', '/api']);
  });

  test('says of each path which methods it takes, and the coordinator no other', async () => {
    const templates = Object.keys(reference.paths);
    const patterns = templates.map(
      template => [template, new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)] as const,
    );
    for (const template of templates) {
      const path = template.replaceAll(/\{[\w*]+\}/g, 'x');
      const matching = patterns
        .flatMap(([name, pattern]) => (pattern.test(path) ? [name] : []))
        .concat(template);
      const taken = new Set(matching.flatMap(name => Object.keys(reference.paths[name] ?? {})));
      const others = ['get', 'post', 'put', 'patch', 'delete'].filter(name => !taken.has(name));
      for (const method of others) {
        const { status, headers } = await coordinator.call(method.toUpperCase(), path);
        const allowed = headers.get('allow')?.toLowerCase().split(', ') ?? [];
        expect([method, path, status]).toEqual([method, path, 405]);
        expect(new Set(allowed.filter(name => name !== 'head'))).toEqual(taken);
      }
    }
  });

  test.each(REFUSED)('%s: %j is taken, and %j is not', async (route, taken, refused) => {
    const schema = schemaIn(routes.get(route)?.requestBody?.content);
    const isAsDescribed = addFormats.default(new Ajv2020({ strict: false })).compile(schema);
    const [method = '', path = ''] = route.split(' ');
    expect(isAsDescribed(taken)).toBe(true);
    expect((await coordinator.call(method, path, taken)).status).not.toBe(400);
    expect([isAsDescribed(refused), (await coordinator.call(method, path, refused)).status]).toEqual([
      false,
      400,
    ]);
  });

  test.each(Object.entries(TUTORIAL))('describes %s as the tutorial does', (route, expected) => {
    const { parameters = [], requestBody, responses } = routes.get(route) ?? missing;
    const query = parameters.flatMap(parameter => (parameter.in === 'query' ? [parameter.name] : []));
    const body = fieldsOf(schemaIn(requestBody?.content));
    const answer = fieldsOf(schemaIn(responses[expected.status]?.content));
    expect(responses).toHaveProperty(String(expected.status));
    expect(query).toEqual(expect.arrayContaining(expected.query ?? []));
    expect(body).toEqual(expect.arrayContaining(expected.body ?? []));
    expect(answer).toEqual(expect.arrayContaining(expected.answer ?? []));
  });

  describe.each(Object.keys(REQUESTS))('%s', route => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv).addFormat('bech32m', true);

    test.each(['', '/api'])('answers below "%s" as described', async prefix => {
      const scene = await prepareScene(coordinator, route);
      const { status, headers, body } = await requestServed(coordinator, route, scene, {
        prefix,
        ...scene.caller,
      });
      const type = headers.get('content-type')?.split(';')[0];
      const described = routes.get(route)?.responses[status];
      expect(status).toBeLessThan(300);
      const others = REPORTS.includes(route) ? ['text/csv', 'application/x-ndjson'] : [];
      const types = [type ?? [], STREAMED.includes(route) ? 'text/event-stream' : others].flat();
      expect(Object.keys(described?.content ?? {})).toEqual(types);
      const isAsDescribed = ajv.compile(schemaIn(described?.content));
      expect([isAsDescribed(body === '' ? null : body), isAsDescribed.errors]).toEqual([true, null]);
    });

    test('describes its errors as the one shape, or as OpenAI’s', () => {
      const { responses, tags = [] } = routes.get(route) ?? missing;
      expect(Object.keys(responses)).toContain('default');
      for (const [status, { content }] of Object.entries(responses)) {
        if (status < '300') continue;
        if (tags.includes('openai')) {
          expect(fieldsOf(schemaIn(content))).toEqual(['error', ...OPENAI_ERROR]);
          continue;
        }
        expect(fieldsOf(schemaIn(content, 'application/problem+json'))).toEqual(
          expect.arrayContaining(['detail', 'error_code', 'request_id']),
        );
      }
    });

    test('describes that what it is given may be wrong', () => {
      const { parameters, requestBody, responses } = routes.get(route) ?? missing;
      if (parameters || requestBody) expect(Object.keys(responses)).toContain('400');
    });
  });
});
