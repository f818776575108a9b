import { expect, test } from 'vitest';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';

/* What generated histories found, or come upon too rarely to hold it down. */
describeEachEngine('an offer', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, register, available, claims } = actions(coordinator);

  test('to a miner that asks many times at once is one job', async () => {
    await register('asks', { capabilities: ['many'] });
    await register('other', { capabilities: ['many'] });
    for (let count = 0; count < 5; count++) await submit({ model: 'many' });
    const offers = await Promise.all(Array.from({ length: 5 }, () => available('asks')));
    expect(new Set(offers.map(offer => offer?.job_id)).size).toBe(1);
    expect(await claims('other', 5)).toHaveLength(4);
  });

  test('does not outlive the registration that it was made for', async () => {
    await register('changes', { capabilities: ['before', 'after'] });
    await submit({ model: 'before' });
    await available('changes');
    await register('changes', { capabilities: ['after'] });
    expect(await available('changes')).toBeNull();
    expect(await claims('changes')).toEqual([]);
  });
});
