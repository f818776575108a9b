import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { actions, type TestCoordinator, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';
import { readReference, routesOf } from '../harness/reference.ts';
import { prepareScene, REQUESTS, requestRoute } from '../harness/scenes.ts';

/*
 * The attack: a number that no part of the coordinator has reckoned with, in any field of any route, to break it for
 * others. The routes and their fields come from the OpenAPI document, so that new ones are tried without a word here.
 */

const RUNS = Number(process.env.AITBC_PROPERTY_RUNS ?? 12);

/** As they stand in JSON, since some of them are none of JavaScript's numbers. */
const EXTREMES = [
  ...['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993'],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '18446744073709551616'],
  ...['8640000000000000', '8640000000000001', '2147483648', '-1', '-0', '0', '0.1', '5e-324'],
  ...['1e21', '1e308', '1e400', '-1e400', '99999999999999999999999999999999999999999'],
];

const number = fc.oneof(
  fc.constantFrom(...EXTREMES),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
);

interface Schema {
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean;
  items?: Schema | Schema[];
  anyOf?: Schema[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
}

interface Field {
  route: string;
  in: 'query' | 'body';
  path: readonly string[];
  schema: Schema;
}

/** Every place for a number, down to those in lists and in objects that are open. */
function* numbersIn(schema: Schema, path: readonly string[] = []): Generator<Pick<Field, 'path' | 'schema'>> {
  if (schema.type === 'integer' || schema.type === 'number') yield { path, schema };
  if (schema.additionalProperties === true) yield { path: [...path, 'extra'], schema: {} };
  for (const [name, member] of Object.entries(schema.properties ?? {}))
    yield* numbersIn(member, [...path, name]);
  for (const item of [schema.items ?? []].flat()) yield* numbersIn(item, [...path, '0']);
  for (const choice of schema.anyOf ?? []) yield* numbersIn(choice, path);
}

async function readFields(coordinator: TestCoordinator): Promise<Field[]> {
  const reference = await readReference(coordinator);
  const resolved = JSON.parse(JSON.stringify(reference), (_, value) => {
    const name = /^#\/components\/schemas\/(.*)$/.exec(value?.$ref ?? '')?.[1];
    return name === undefined ? value : reference.components.schemas[name];
  });
  return [...routesOf(resolved)].flatMap(([route, { parameters = [], requestBody }]) => {
    const body = requestBody?.content['application/json']?.schema ?? {};
    const queries = parameters.flatMap(({ in: place, name, schema }) =>
      place === 'query'
        ? [...numbersIn(schema, [name])].map(field => ({ route, in: 'query' as const, ...field }))
        : [],
    );
    return [...queries, ...[...numbersIn(body)].map(field => ({ route, in: 'body' as const, ...field }))];
  });
}

const PLACE = '"the number"';

/** A request's body with the number at its place, as text. */
function withNumber(body: object, [first = '', ...rest]: readonly string[], text: string): string {
  const put = (into: unknown, [name, ...deeper]: readonly string[]): unknown => {
    if (name === undefined) return JSON.parse(PLACE);
    const inside = Object(into);
    if (/^\d+$/.test(name))
      return Object.assign(Array.isArray(into) ? [...into] : [], { [name]: put(inside[name], deeper) });
    return { ...inside, [name]: put(inside[name], deeper) };
  };
  return JSON.stringify(put(body, [first, ...rest])).replace(PLACE, text);
}

async function sendNumber(coordinator: TestCoordinator, { route, in: place, path }: Field, text: string) {
  const scene = await prepareScene(coordinator, route);
  const { query, body } = REQUESTS[route] ?? {};
  const signal = AbortSignal.timeout(100);
  const options = { ...scene.caller, signal };
  const changed =
    place === 'query'
      ? { query: () => `${query?.(scene) ?? '?'}&${path[0]}=${encodeURIComponent(text)}` }
      : { body: () => withNumber(body?.(scene) ?? {}, path, text) as unknown as object };
  // What waits for a job, or for as long as the number says, is as good as answered.
  return await requestRoute(coordinator, route, scene, options, changed).catch(error => {
    if (signal.aborted) return undefined;
    throw error;
  });
}

/** Somebody else's jobs, from their beginning to their end. */
async function wholeLife(coordinator: TestCoordinator): Promise<void> {
  const { submit, register, claims, heartbeat, complete, job, cancel } = actions(coordinator);
  await register('honest', { capabilities: ['honest'] });
  const { job_id } = await submit({ model: 'honest' });
  const other = await submit({ model: 'honest' });
  expect(await claims('honest')).toMatchObject([{ job_id }]);
  expect((await heartbeat('honest', [job_id])).stop).toEqual([]);
  await complete(job_id, 'honest');
  expect((await job(job_id)).status).toBe('completed');
  expect((await cancel(other.job_id)).status).toBe('cancelled');
  for (const path of ['/v1/jobs?limit=100', '/v1/miners?limit=100', '/v1/stats', '/v1/account'])
    expect((await coordinator.call('GET', path)).status, path).toBe(200);
  await coordinator.pass({ seconds: 1 });
}

describeEachEngine('No number that a request may hold', engine => {
  const coordinator = withCoordinator(engine, { logLevel: 'silent' });
  let fields: Field[];
  beforeAll(async () => {
    fields = await readFields(coordinator);
  });

  test('is without a smallest and a largest value', () => {
    const unbounded = fields.filter(
      ({ schema: { type, minimum, exclusiveMinimum = minimum, maximum } }) =>
        type !== undefined && (exclusiveMinimum === undefined || maximum === undefined),
    );
    expect(unbounded.map(({ route, path }) => `${route} ${path.join('.')}`)).toEqual([]);
  });

  test.each([
    '+275760-09-13T00:00:00.000Z',
    '-271821-04-20T00:00:00.000Z',
    '9999-12-31T23:59:60Z',
    '9999-12-31T23:59:59-23:59',
    '0000-01-01T00:00:00+23:59',
  ])('is one of a time that breaks a receipt: %s', async completed_at => {
    const route = 'POST /v1/jobs/{id}/complete';
    const scene = await prepareScene(coordinator, route);
    const body = () => ({ miner_id: scene.miners, result: 'Hello', completed_at });
    const { status } = await requestRoute(coordinator, route, scene, {}, { body });
    expect([200, 400]).toContain(status);
    await wholeLife(coordinator);
  });

  test.each(['9007199254740993', '1e400', '-1', `${'9'.repeat(200)}`])(
    'is one of a place that pages start at, or of a wait: %s',
    async text => {
      const cursor = encodeURIComponent(text);
      for (const path of [
        '/v1/jobs',
        '/v1/miners',
        '/v1/grants',
        '/explorer/blocks',
        '/explorer/transactions',
      ])
        expect((await coordinator.call('GET', `${path}?cursor=${cursor}`)).status, path).toBeLessThan(500);
      for (const path of [`/explorer/blocks/${text}`, `/explorer/search?q=${text}`, `/ledger/tile/0/${text}`])
        expect((await coordinator.call('GET', path)).status, path).toBeLessThan(500);
      const { job_id } = await actions(coordinator).submit();
      const headers = { prefer: `wait=${text}`, 'last-event-id': text };
      const signal = AbortSignal.timeout(200);
      const options = { headers, signal };
      const body = { model: 'llama3.2', prompt: 'Hello' };
      const answers = [
        coordinator.call('POST', '/v1/jobs', body, options),
        coordinator.call('GET', `/v1/jobs/${job_id}/events`, undefined, options),
      ].map(answer => answer.catch(() => ({ status: 0 })));
      for (const { status } of await Promise.all(answers)) expect(status).toBeLessThan(500);
    },
  );

  test('is an error of the coordinator, or touches the jobs of others', async () => {
    expect(fields.length).toBeGreaterThan(50);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), number), { minLength: 5, maxLength: 5 }), async sent => {
        for (const [at, text] of sent) {
          const field = fields[at % fields.length] as Field;
          const answer = await sendNumber(coordinator, field, text);
          const what = JSON.stringify({ ...field, text, body: answer?.body });
          expect(answer?.status ?? 0, what).toBeLessThan(500);
        }
        await wholeLife(coordinator);
      }),
      { numRuns: Math.ceil(RUNS / (engine.name === 'sqlite' ? 1 : 3)) },
    );
  });
});
