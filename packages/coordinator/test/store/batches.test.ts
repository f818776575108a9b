import { expect, onTestFinished, test } from 'vitest';
import { openStore, readConfig } from '../../src/index.ts';
import { done, type Operation } from '../../src/store/operation.ts';
import { describeEachEngine } from '../harness/engines.ts';

describeEachEngine('writes that are asked for at once', engine => {
  async function open() {
    const database = await engine.prepare();
    const store = await openStore(readConfig({ given: database.options }), undefined);
    onTestFinished(async () => {
      await store.close();
      await database.remove();
    });
    return store;
  }

  test('are done one by one where one of them throws: it alone fails, and leaves no trace', async () => {
    const store = await open();
    const applied: (readonly string[])[] = [];
    const note: Operation<string, string> = {
      name: 'test.note',
      async apply(inputs, { tx, emit }) {
        applied.push(inputs);
        await tx.insert(
          'setting',
          inputs.map(name => ({ name, value: 'noted' })),
        );
        for (const id of inputs) emit({ type: 'job.ended', jobId: id } as never);
        if (inputs.includes('bad')) throw new Error('It can not be noted');
        return inputs.map(done);
      },
    };
    const told: string[] = [];
    store.onCommit(events => told.push(...events.flatMap(event => ('jobId' in event ? event.jobId : []))));
    const inputs = ['one', 'two', 'bad', 'three'];
    const outcomes = await Promise.allSettled(inputs.map(input => store.write(note, input)));

    expect(applied[0]).toEqual(inputs);
    expect(applied.slice(-inputs.length)).toEqual(inputs.map(input => [input]));
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: done('one') },
      { status: 'fulfilled', value: done('two') },
      { status: 'rejected', reason: expect.objectContaining({ message: 'It can not be noted' }) },
      { status: 'fulfilled', value: done('three') },
    ]);
    const rows = await store.read
      .selectFrom('setting')
      .select('name')
      .where('value', '=', 'noted')
      .orderBy('name')
      .execute();
    expect(rows.map(({ name }) => name)).toEqual(['one', 'three', 'two']);
    expect(told).toEqual(['one', 'two', 'three']);
  });
});
