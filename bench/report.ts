import { availableParallelism } from 'node:os';
import Table from 'cli-table3';
import type { Caught } from './evidence/simulate.ts';
import { type Cores, type Fetch, type Latency, type LoadResult, PARTS, processorTimeOf } from './results.ts';
import { type Abuse, MOST_MEMORY, MOST_RATIO } from './scenarios/abuse.ts';
import type { EvidenceFigures } from './scenarios/evidence.ts';
import type { Gateway } from './scenarios/gateway.ts';
import type { Growth } from './scenarios/growth.ts';
import type { Ledger } from './scenarios/ledger.ts';
import { IDLE_MINERS, type Memory } from './scenarios/memory.ts';
import type { PeerResult, Peers, StreamPeers } from './scenarios/peers.ts';
import type { PrefixTimes } from './scenarios/prefixes.ts';
import { MOST_RETAINED, type Retained } from './scenarios/retained.ts';
import { MOST_GROWTH, type Soak } from './scenarios/soak.ts';
import type { StreamsAtOnce } from './scenarios/streams.ts';
import type { Throughput } from './scenarios/throughput.ts';
import { FEW_MINERS, type Waiting } from './scenarios/waiting.ts';
import type { Delivered, WebhookLoad } from './scenarios/webhooks.ts';

const NONE = '–';
const whole = (value: number) => Math.round(value).toLocaleString('en');
const ms = (latency: Latency | null) =>
  latency ? `${latency.p50.toFixed(1)} / ${latency.p99.toFixed(1)}` : NONE;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const HEAD = [
  'p50 / p99 in ms',
  'lifecycles/s',
  ...PARTS,
  'empty claims',
  'CPU µs per lifecycle\nserver, database',
  'cores:\nserver, database\ngenerator\nothers, idle',
];

function table(rows: readonly (readonly [name: string, result: LoadResult])[]): string {
  const grid = new Table({ head: HEAD, style: { head: [], border: [] } });
  for (const [name, { perSecond, latencies, emptyClaims, cores }] of rows) {
    grid.push([
      name,
      whole(perSecond),
      ...PARTS.map(part => ms(latencies[part])),
      emptyClaims,
      ofServer(cores, seconds => whole((seconds / perSecond) * 1e6)),
      spread(cores),
    ]);
  }
  return `${grid}${rows.map(([name, result]) => warning(name, result.cores)).join('')}`;
}

/** Formats the cores of the server, and of its database if that has its own processes. */
function ofServer({ server, database }: Cores, format: (value: number) => string): string {
  const used = [server, database].filter(value => value !== null);
  return used.length === 0 ? NONE : used.map(format).join(', ');
}

function spread(cores: Cores): string {
  const { server, database, generator, busy, given } = cores;
  const lines = [ofServer(cores, inCores), inCores(generator)];
  if (server === null || busy === null || given === null) return [...lines, NONE].join('\n');
  const others = busy - server - (database ?? 0) - generator;
  return [...lines, `${inCores(others)}, ${inCores(given - busy)}`].join('\n');
}

const inCores = (value: number) => Math.max(0, value).toFixed(2);

const NOT_GIVEN = 0.9;

/** Warns when a virtual machine got less processor time than its clock shows. */
function warning(name: string, { given }: Cores): string {
  const cores = availableParallelism();
  if (given === null || given > NOT_GIVEN * cores) return '';
  return `\nOf ${cores} cores the host gave ${given.toFixed(2)} (${name}): lifecycles/s tell little, CPU per lifecycle more.`;
}

const FETCHED: Record<Fetch, string> = {
  get: 'result by GET',
  wait: 'result by waiting',
  none: 'no result read',
};

export function throughputReport({ runs, fetched, awaited, ofSkeleton, ofBase }: Throughput): string {
  const base = ofBase === undefined ? '' : `, and ${ofBase.toFixed(2)} of what the other checkout does`;
  return `${table(runs.map(({ server, fetch, result }) => [`${server},\n${FETCHED[fetch]}`, result] as const))}
With results read by GET, the coordinator does ${ofSkeleton.toFixed(2)} of what the skeleton does${base}.
Reading results by GET leaves ${fetched.toFixed(2)} of the lifecycles, waiting for them ${awaited.toFixed(2)}.`;
}

export function peersReport({ jobs, streams }: { jobs: Peers; streams: StreamPeers }): string {
  const { coordinator, litellm } = streams;
  return `${jobPeersReport(jobs)}
Streams through the coordinator:
${streamsReport(coordinator)}
Streams through LiteLLM:
${streamsReport(litellm)}
For each of a peer's, the coordinator does or takes:
${ratiosReport(jobs, streams)}`;
}

/** One table of all that the coordinator is compared with. */
function ratiosReport({ coordinator: jobs, peers }: Peers, { coordinator, litellm }: StreamPeers): string {
  const grid = new Table({ head: ['peer', 'what', 'ratio'], style: { head: [], border: [] } });
  for (const { name, batched, ratio, result } of peers) {
    const peer = batched ? `${name}, batched` : name;
    const processorTime = ratioOf(processorTimeOf(jobs), processorTimeOf(result));
    grid.push(
      [peer, 'lifecycles/s', ratio.toFixed(2)],
      [peer, 'CPU for each, with PostgreSQL', processorTime],
    );
  }
  for (const [at, own] of coordinator.entries()) {
    const peer = litellm[at];
    if (!peer) continue;
    const streams = `${own.streams} ${own.streams === 1 ? 'stream' : 'streams'}`;
    grid.push(
      [`LiteLLM, ${streams}`, 'tokens/s', ratioOf(own.through.tokensPerSecond, peer.through.tokensPerSecond)],
      [`LiteLLM, ${streams}`, 'delay added to a token at p50', ratioOf(own.added.p50, peer.added.p50)],
      [`LiteLLM, ${streams}`, 'CPU for each token', ratioOf(own.processorMicros, peer.processorMicros)],
    );
  }
  return `${grid}`;
}

function ratioOf(own: number | null, peer: number | null): string {
  const ratio = (own ?? Number.NaN) / (peer ?? Number.NaN);
  return Number.isNaN(ratio) ? NONE : ratio.toFixed(2);
}

function jobPeersReport({ coordinator, peers }: Peers): string {
  const rows = peers.map(
    ({ name, batched, result }) => [batched ? `${name},\nbatched` : name, result] as const,
  );
  return `${table([['coordinator', coordinator], ...rows])}
${comparison(
  'as their manuals show',
  peers.filter(({ batched }) => !batched),
)}
${comparison(
  'with requests batched in front of them',
  peers.filter(({ batched }) => batched),
)}`;
}

function comparison(how: string, peers: readonly PeerResult[]): string {
  const [best] = [...peers].sort((a, b) => a.ratio - b.ratio);
  if (!best) return '';
  return `Used ${how}, ${best.name} does most: the coordinator does ${best.ratio.toFixed(2)} for each of its lifecycles.`;
}

export const growthReport = ({ stored, jobs, empty, full, ratios }: Growth) => `${table([
  ['nothing stored', empty.load],
  [`${whole(jobs)} ${stored}`, full.load],
])}
Resident memory: ${mib(empty.residentBytes)}, with the ${stored} jobs ${mib(full.residentBytes)}.
With them there is ${ratios.processorTime.toFixed(2)} of the CPU time for each lifecycle, ${ratios.memory.toFixed(2)} of the memory, and ${ratios.claim.toFixed(2)} of a claim's p99.`;

export const waitingReport = ({ miners, few, many, ratio }: Waiting) =>
  `${whole(few)} jobs/s while ${FEW_MINERS} miners wait, ${whole(many)} while ${whole(miners)} do: ${ratio.toFixed(2)} times as many.`;

export const ledgerReport = ({
  entries,
  without,
  publishing,
  ratio,
  entriesPerSecond,
  catchingUp,
}: Ledger) => `${table([
  ['not published', without],
  ['published each second', publishing],
  [`while ${whole(entries)} entries are taken in`, catchingUp],
])}
With the ledger the coordinator does ${ratio.toFixed(2)} of what it does without. It takes in ${whole(entriesPerSecond)} entries/s meanwhile.`;

export const webhooksReport = (result: WebhookLoad) => `${table([
  ['no webhook', result.without],
  ['told of each completed job', result.with],
])}
With a webhook, an account's jobs do ${result.ratio.toFixed(2)} of what they do without.
${deliveredReport('All receivers answer', result.allAnswer)}
${deliveredReport('One of them hangs', result.oneHangs)}
The one that hung got ${whole(result.oneHangs.hanging)} requests.`;

function deliveredReport(name: string, { delays, ...run }: Delivered): string {
  const seconds = (times: number[]) =>
    `${(Math.min(...times) / 1000).toFixed(2)} to ${(Math.max(...times) / 1000).toFixed(2)} s`;
  return `${name}: ${whole(run.deliveries)} deliveries to ${delays.length} receivers in ${run.seconds.toFixed(1)} s, ${whole(run.perSecond)} a second, ${whole(run.doubles)} of them twice, with up to ${mib(run.memory)} in memory.
  From an event to its delivery, p50 ${seconds(delays.map(({ p50 }) => p50))} and p99 ${seconds(delays.map(({ p99 }) => p99))} by receiver.`;
}

export const memoryReport = ({ idle, lifecycles, most, quarters, growth }: Memory) =>
  `Resident memory while ${IDLE_MINERS} miners wait: ${mib(idle)}.
Resident memory by quarters of ${whole(lifecycles)} lifecycles: ${quarters.map(mib).join(', ')}. The most: ${mib(most)}.
The last is ${growth.toFixed(2)} times the first.`;

export function soakReport({ most, result, quarters, growth, deliveries, missed }: Soak): string {
  const verdict =
    missed.length === 0
      ? 'Nothing failed, and memory is flat.'
      : `Not as it should be: ${missed.join(', ')}.`;
  return `${table([[`half of ${whole(most)}/s, with webhooks, metrics and limits`, result]])}
${whole(result.lifecycles)} lifecycles, ${whole(deliveries)} deliveries of webhooks. Resident memory by quarters: ${quarters.map(mib).join(', ')}.
The last is ${growth.toFixed(2)} times the second; more than ${MOST_GROWTH} times would be growth. ${verdict}`;
}

export function retainedReport({ names, chunks, uses, missed }: Retained): string {
  const kept = uses.map(({ use, bytes }) => `${use}: ${(bytes / 2 ** 20).toFixed(1)} MiB`).join('\n');
  const verdict = missed.length === 0 ? 'All leave' : `${missed.join(', ')}: not`;
  return `What ${whole(names)} names of models and ${whole(chunks)} unread chunks leave in memory:
${kept}
${verdict} less than ${mib(MOST_RETAINED)}.`;
}

export function gatewayReport({ streams, direct, gateway, overhead }: Gateway): string {
  const grid = new Table({ head: ['p50 / p99 in ms', 'first token'], style: { head: [], border: [] } });
  grid.push(
    ['the engine', ms(direct)],
    ['through the gateway', ms(gateway)],
    ['the gateway adds', ms(overhead)],
  );
  return `${grid}\nOf ${whole(streams)} streams each way, one at a time.`;
}

export function prefixesReport({ turns, ...times }: PrefixTimes): string {
  const head = ['p50 / p99 in ms', 'first token', 'of the prompt in memory'];
  const grid = new Table({ head, style: { head: [], border: [] } });
  for (const [name, { firstToken, cachedShare }] of Object.entries(times))
    grid.push([`${name} the memory`, ms(firstToken), `${(cachedShare * 100).toFixed(0)} %`]);
  return `${grid}\nOf ${whole(turns)} later turns of conversations each, one at a time.`;
}

export function evidenceReport({ populations, lives, prompts }: EvidenceFigures): string {
  const head = [
    'temperature',
    'miner',
    'rule',
    'mean a token',
    'accused alone',
    'always',
    'a fifth',
    'half pretended',
  ];
  const grid = new Table({ head, style: { head: [], border: [] } });
  for (const { temperature, population, rule, mean, alone, always, fifth, colluding } of populations)
    grid.push([
      ...[temperature, population, rule, mean.toFixed(3), `${(alone * 100).toFixed(1)} %`],
      ...[always, fifth, colluding].map(caught => (caught === null ? '' : answersUntil(caught))),
    ]);
  const lines = lives.map(
    ({ temperature, rule, miners, answers, accused }) =>
      `Temperature ${temperature}, ${rule}: of ${miners} honest miners with ${whole(answers)} verified answers each, ` +
      `${accused.e_value} were accused by the e-value and ${accused.alone} by answers accused alone.`,
  );
  const about = `Verified answers until half / nine tenths of the miners are accused. ${prompts} answers of each were measured.`;
  return `${grid}\n${about}\n${lines.join('\n')}`;
}

const answersUntil = ({ half, most, ever }: Caught) =>
  ever === 0 ? NONE : `${half ?? NONE} / ${most ?? NONE}${ever < 1 ? ` (${(ever * 100).toFixed(0)} %)` : ''}`;

export function streamsReport(results: readonly StreamsAtOnce[]): string {
  const head = [
    'streams at once\n(p50 / p99 in ms)',
    'a token takes',
    'of the engine',
    'added',
    'first token,\nadded at p50',
    'tokens/s',
    'of the engine',
    'CPU µs per token,\nserver and miner',
  ];
  const grid = new Table({ head, style: { head: [], border: [] } });
  for (const { streams, direct, through, added, processorMicros } of results) {
    const firstToken = through.firstToken.p50 - direct.firstToken.p50;
    grid.push([
      streams,
      ...[through.delay, direct.delay, added].map(ms),
      firstToken.toFixed(1),
      ...[through, direct].map(({ tokensPerSecond }) => whole(tokensPerSecond)),
      processorMicros === null ? NONE : whole(processorMicros),
    ]);
  }
  return `${grid}`;
}

export function abuseReport({ attacks, missed }: Abuse): string {
  const grid = new Table({
    head: ['p50 / p99 in ms', 'alone', 'with the abuser', 'times, p50', 'times, p99', 'memory'],
    style: { head: [], border: [] },
  });
  for (const { attack, idle, abused, ratio, memory } of attacks)
    grid.push([
      attack,
      ms(idle),
      ms(abused),
      ratio.toFixed(2),
      (abused.p99 / idle.p99).toFixed(1),
      mib(memory),
    ]);
  const bounds = `${MOST_RATIO} times at p50, and ${mib(MOST_MEMORY)}`;
  if (missed.length === 0) return `${grid}\nAll are within ${bounds}.`;
  return `${grid}\nNot within ${bounds}:\n${missed.join('\n')}`;
}
