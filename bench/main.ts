import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { ATTACKS, type AttackName } from './attacks.ts';
import { installLitellm, isLitellmInstalled } from './peers/litellm.ts';
import { arePeersInstalled } from './peers/peers.ts';
import {
  abuseReport,
  evidenceReport,
  gatewayReport,
  growthReport,
  ledgerReport,
  memoryReport,
  peersReport,
  prefixesReport,
  retainedReport,
  soakReport,
  streamsReport,
  throughputReport,
  waitingReport,
  webhooksReport,
} from './report.ts';
import { abuse } from './scenarios/abuse.ts';
import { evidence } from './scenarios/evidence.ts';
import { gateway } from './scenarios/gateway.ts';
import { growth } from './scenarios/growth.ts';
import { ledger } from './scenarios/ledger.ts';
import { memory } from './scenarios/memory.ts';
import { peers, streamPeers } from './scenarios/peers.ts';
import { prefixes } from './scenarios/prefixes.ts';
import { retained } from './scenarios/retained.ts';
import { soak } from './scenarios/soak.ts';
import { aitbcRelay, streams } from './scenarios/streams.ts';
import { throughput } from './scenarios/throughput.ts';
import { waiting } from './scenarios/waiting.ts';
import { webhooks } from './scenarios/webhooks.ts';
import { runningAt, STORES, type StoreName, startCoordinator } from './server.ts';

const HELP = `Measures the coordinator under load, beside a skeleton: a server that does the least for the same calls.

  npm run bench -- [options]

Without a scenario below: lifecycles/s and latencies. A lifecycle is submit, claim, complete, and reading the result: by
GET, by a GET that waits, and for comparison not at all.

  --store STORE     sqlite, or postgres: a PostgreSQL is started for each coordinator (sqlite)
  --connections N   connections of the load generator (64)
  --seconds N       how long each run is measured (10)
  --warmup N        seconds before that (3)
  --rounds N        runs of each server; the median counts (3)
  --pending N       lifecycles on top of N pending jobs, beside those without them: CPU, memory, claims
  --finished N      the same with N finished jobs
  --waiting N       jobs that miners take at once, while N of them wait and while 64 do
  --memory N        memory with 100 miners that wait, and over N lifecycles, 4,000 or more
  --program FILE    with --memory: the command's file, dist/main.js of an installed package, rather than the sources
  --soak N          half of the most for N seconds, with webhooks, metrics and limits: fails where a request or a delivery
                    does, or where memory grows
  --retained N      what N names of models leave in memory, and text that nobody reads; fails where it is too much
  --ledger N        what publishing the ledger costs, and how fast N entries are taken in meanwhile
  --webhooks N      N deliveries to 50 receivers of which one hangs, and what a webhook costs its account's jobs
  --peers           the coordinator on PostgreSQL beside pg-boss and graphile-worker, behind the same routes, and beside
                    LiteLLM's proxy for streams; install the first two before: npm ci --prefix bench/peers. LiteLLM is
                    installed in a virtual environment of Python, unless the variable LITELLM names its command
  --gateway         what the gateway to OpenAI's API adds to the time to a stream's first token
  --prefixes GGUF   the time to the first token of conversations with this model on two miners, with the coordinator's
                    memory of what each has read and without
  --evidence GGUF   honest and cheating miners answer with this model, and verifiers read their answers: how many answers
                    until each cheat is found, and how many honest miners are accused; takes an hour on two cores. With the
                    file of an earlier --json only the simulation is run
  --prompts N       how many prompts they answer (24)
  --streams         how long tokens of an engine take to readers of the gateway, with several numbers of streams at once
  --readers LIST    these numbers of streams (1,10,50,100,200)
  --abuse           what one client of 4 connections does to another, attack by attack; fails where it is too much
  --attack NAME     of these one, or several, rather than all
  --base DIR        another checkout of this repository, whose coordinator takes turns with this one's
  --url URL         a coordinator that runs already, rather than a new one for each run; not with those above
  --profile DIR     writes CPU profiles of the coordinator there, one for each thread, and PostgreSQL's statements
  --json FILE       writes the numbers there
`;

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    pending: { type: 'string' },
    finished: { type: 'string' },
    waiting: { type: 'string' },
    memory: { type: 'string' },
    soak: { type: 'string' },
    retained: { type: 'string' },
    ledger: { type: 'string' },
    webhooks: { type: 'string' },
    peers: { type: 'boolean', default: false },
    gateway: { type: 'boolean', default: false },
    prefixes: { type: 'string' },
    evidence: { type: 'string' },
    prompts: { type: 'string', default: '24' },
    streams: { type: 'boolean', default: false },
    readers: { type: 'string', default: '1,10,50,100,200' },
    abuse: { type: 'boolean', default: false },
    attack: { type: 'string', multiple: true },
    profile: { type: 'string' },
    program: { type: 'string' },
    url: { type: 'string' },
    base: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return print(HELP);
  const options = {
    store: store(),
    connections: count('connections'),
    seconds: count('seconds'),
    warmup: Number(values.warmup),
    rounds: count('rounds'),
  };
  progress(`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node.js ${process.version}`);
  for (const stored of ['pending', 'finished'] as const)
    if (values[stored] !== undefined)
      return report(await growth(stored, count(stored), options, progress), growthReport);
  if (values.waiting !== undefined) {
    return report(await waiting(count('waiting', 64), options, progress), waitingReport);
  }
  if (values.memory !== undefined) {
    return report(
      await memory(count('memory', 4_000), { ...options, program: values.program }, progress),
      memoryReport,
    );
  }
  if (values.soak !== undefined) {
    const { seconds: mostSeconds, ...loaded } = options;
    const result = await soak({ ...loaded, mostSeconds, seconds: count('soak', 4) }, progress);
    if (result.missed.length > 0) process.exitCode = 1;
    return report(result, soakReport);
  }
  if (values.retained !== undefined) {
    const result = await retained(count('retained', 1_000), progress);
    if (result.missed.length > 0) process.exitCode = 1;
    return report(result, retainedReport);
  }
  if (values.ledger !== undefined) {
    return report(await ledger(count('ledger', 1_000), options, progress), ledgerReport);
  }
  if (values.webhooks !== undefined) {
    return report(await webhooks(count('webhooks'), options, progress), webhooksReport);
  }
  if (values.peers && !arePeersInstalled())
    throw new Error('The peers are missing: npm ci --prefix bench/peers');
  if (values.peers) {
    if (!isLitellmInstalled()) {
      progress('Installing LiteLLM in bench/peers/venv, which takes minutes');
      await installLitellm();
    }
    const jobs = await peers(options, progress);
    const streams = await streamPeers({ ...options, readers: readers() }, progress);
    return report({ jobs, streams }, peersReport);
  }
  if (values.gateway) {
    return report(await gateway({ ...options, profile: values.profile }, progress), gatewayReport);
  }
  if (values.prefixes !== undefined) {
    return report(await prefixes({ ...options, gguf: values.prefixes }, progress), prefixesReport);
  }
  if (values.evidence !== undefined) {
    const figures = await evidence({ source: values.evidence, prompts: count('prompts') }, progress);
    return report(figures, evidenceReport);
  }
  if (values.streams) {
    const { profile } = values;
    const relay = aitbcRelay({ store: store(), profile });
    return report(await streams({ ...options, readers: readers() }, relay, progress), streamsReport);
  }
  if (values.abuse) {
    const result = await abuse({ ...options, attacks: attacks(), profile: values.profile }, progress);
    if (result.missed.length > 0) process.exitCode = 1;
    return report(result, abuseReport);
  }
  const { base: checkout } = values;
  const base = checkout === undefined ? undefined : () => startCoordinator({ store: store(), checkout });
  report(await throughput({ ...options, coordinator, base }, progress), throughputReport);
}

async function coordinator() {
  if (values.url !== undefined) return runningAt(values.url);
  return await startCoordinator({ store: store(), profile: values.profile });
}

function store(): StoreName {
  const known = STORES.find(name => name === values.store);
  return known ?? refuse(`--store must be ${STORES.join(' or ')}, not ${values.store}`);
}

function attacks(): AttackName[] {
  const known = Object.keys(ATTACKS) as AttackName[];
  return (values.attack ?? known).map(
    name => known.find(attack => attack === name) ?? refuse(`--attack must be one of ${known.join(', ')}`),
  );
}

/** Options that are whole numbers. */
const COUNTS = [
  ...(['connections', 'seconds', 'rounds', 'pending', 'finished', 'waiting', 'memory', 'retained'] as const),
  ...(['ledger', 'webhooks', 'soak', 'prompts'] as const),
] as const;

function readers(): number[] {
  const counts = values.readers.split(',').map(Number);
  const isValid = counts.every(count => Number.isInteger(count) && count >= 1 && count <= 1000);
  return isValid ? counts : refuse(`--readers must be whole numbers from 1 to 1000, not ${values.readers}`);
}

function count(name: (typeof COUNTS)[number], least = 1): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  return refuse(`--${name} must be a whole number from ${least}, not ${values[name]}`);
}

function refuse(reason: string): never {
  console.error(reason);
  process.exit(2);
}

function report<R>(result: R, readable: (result: R) => string): void {
  print(readable(result));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

function progress(text: string): void {
  console.error(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
