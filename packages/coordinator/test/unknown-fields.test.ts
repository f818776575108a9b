import type { Problem } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { sqlite } from './harness/engines.ts';
import { readReference, routesOf } from './harness/reference.ts';

const coordinator = withCoordinator(sqlite);
const JOB = { prompt: 'Hello', model: 'llama3.2' };

describe('A field that is not known', () => {
  test.each<[object, string, string]>([
    [{ maxPrice: 1 }, 'maxPrice', 'constraints.max_price'],
    [{ max_price: 1 }, 'max_price', 'constraints.max_price'],
    [{ temperature: 0 }, 'temperature', 'params.temperature'],
    [{ Priority: 1 }, 'Priority', 'priority'],
    [{ ttl: 60, ttl_second: 60 }, 'ttl', ''],
    [{ ttl_second: 60 }, 'ttl_second', 'ttl_seconds'],
    [{ constraints: { maxPrice: 1 } }, 'constraints.maxPrice', 'max_price'],
    [{ constraints: { minVramGB: 24 } }, 'constraints.minVramGB', 'min_vram_gb'],
    [{ constraints: { xyzzy: 24 } }, 'constraints.xyzzy', ''],
  ])('of a job is refused with the nearest name: %j', async (more, field, nearest) => {
    const { status, body } = await coordinator.call<Problem>('POST', '/v1/jobs', { ...JOB, ...more });
    expect([status, body.error_code, body.field]).toEqual([400, 'VALIDATION_UNKNOWN_FIELD', field]);
    expect(body.detail).toBe(
      nearest ? `${field} is not known: did you mean ${nearest}?` : `${field} is not known`,
    );
  });

  test('of one job of a batch refuses the batch', async () => {
    const jobs = [JOB, { ...JOB, constraints: { maxPrice: 1 } }];
    const { body } = await coordinator.call<Problem>('POST', '/v1/jobs/batch', { jobs });
    expect(body).toMatchObject({
      error_code: 'VALIDATION_UNKNOWN_FIELD',
      field: 'jobs.1.constraints.maxPrice',
      detail: 'jobs.1.constraints.maxPrice is not known: did you mean max_price?',
    });
  });

  test('of a query is refused', async () => {
    const { status, body } = await coordinator.call<Problem>('GET', '/v1/jobs?limt=5');
    expect(status).toBe(400);
    expect(body).toMatchObject({ field: 'limt', detail: 'limt is not known: did you mean limit?' });
  });

  test('of a miner is refused', async () => {
    const miner = { miner_id: 'gpu', capabilities: ['m'], concurency: 2 };
    const { body } = await coordinator.call<Problem>('POST', '/v1/miners/register', miner);
    expect(body).toMatchObject({ field: 'concurency', error_code: 'VALIDATION_UNKNOWN_FIELD' });
  });

  test('is taken where anything may stand', async () => {
    const { submit, register } = actions(coordinator);
    await submit({ params: { top_kk: 1 }, metadata: { anything: 1 } });
    await register('gpu', { gpu_info: { name: 'GPU', driver: '550' } });
  });
});

test('Every native route refuses fields that it does not know', async () => {
  const isNative = (path: string) => !/^\/v1\/(chat|completions|embeddings|models|files|batches)/.test(path);
  const reference = await readReference(coordinator);
  const routes = [...routesOf(reference)].filter(([name]) => isNative(name.split(' ')[1] ?? ''));
  const open = routes.flatMap(([name, { requestBody }]) => {
    const schema = requestBody?.content['application/json']?.schema as { $ref?: string } | undefined;
    const named = reference.components.schemas[schema?.$ref?.split('/').at(-1) ?? ''] ?? schema;
    return named && !Object.hasOwn(named, 'additionalProperties') ? [name] : [];
  });
  expect(open).toEqual([]);
});
