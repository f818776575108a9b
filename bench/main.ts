import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { backlogReport, memoryReport, throughputReport } from './report.ts';
import { backlog, memory, throughput } from './scenarios.ts';

const HELP = `Measures the coordinator under load, beside a server of the same routes that does nothing.

  npm run bench -- [options]

Without --backlog or --memory: lifecycles/s and latencies. A lifecycle is submit, claim, complete.

  --connections N   connections of the load generator (64)
  --seconds N       how long each run is measured (10)
  --warmup N        seconds before that (3)
  --rounds N        runs of each server; the median counts (3)
  --backlog N       claims on top of N pending jobs, beside claims without them
  --memory N        memory over N lifecycles
  --profile DIR     writes CPU profiles of the coordinator there
  --json            prints the numbers as JSON
`;

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    backlog: { type: 'string' },
    memory: { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return print(HELP);
  const options = {
    connections: count('connections'),
    seconds: count('seconds'),
    warmup: Number(values.warmup),
  };
  progress(`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node.js ${process.version}`);
  if (values.backlog !== undefined) {
    return report(await backlog(count('backlog'), options, progress), backlogReport);
  }
  if (values.memory !== undefined) {
    return report(await memory(count('memory'), options, progress), memoryReport);
  }
  const nodeOptions = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  report(await throughput({ ...options, rounds: count('rounds'), nodeOptions }, progress), throughputReport);
}

function count(name: 'connections' | 'seconds' | 'rounds' | 'backlog' | 'memory'): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, not ${values[name]}`);
  process.exit(2);
}

function report<R>(result: R, readable: (result: R) => string): void {
  print(values.json ? JSON.stringify(result, null, 2) : readable(result));
}

function progress(text: string): void {
  console.error(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
