import { createHistogram, performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openConnection } from './connection.ts';
import { latencyOf } from './results.ts';

/*
 * A client with one connection in its own process. It submits small jobs one after the other with a pause
 * between them, so that moments without any answers have their full weight. It prints how long the jobs took.
 */

const PAUSE_MS = 5;

const SUBMIT = JSON.stringify({ prompt: 'p'.repeat(200), model: 'bench' });

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '1' },
  },
});

const connection = await openConnection(new URL(values.url), { 'x-api-key': values.key });
const histogram = createHistogram();
const start = performance.now() + Number(values.warmup) * 1000;
const end = start + Number(values.seconds) * 1000;
for (let now = performance.now(); now < end; now = performance.now()) {
  await connection.post('/v1/jobs', SUBMIT);
  if (now >= start) histogram.record(Math.max(1, Math.round((performance.now() - now) * 1000)));
  await new Promise(over => setTimeout(over, PAUSE_MS));
}
connection.close();
process.stdout.write(`${JSON.stringify(latencyOf(histogram))}\n`);
