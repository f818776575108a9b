import type { ListMiners, Miner, MinerDetail, MinerModel, MinerStatus, Workload } from '@aitbc/sdk';
import { type Command, Option } from 'commander';
import { positiveInteger } from '../arguments.ts';
import { clientFor, wantsJson } from '../connection.ts';
import { time } from '../describe.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { type Columns, type ListFlags, pageSize, printList } from '../print-list.ts';
import { fieldList, table } from '../table.ts';

const STATUSES: MinerStatus[] = ['online', 'draining', 'offline'];

export function addMinersCommand(program: Command, io: Io): void {
  const group = program
    .command('miners')
    .description('list miners, show which jobs a miner gets and why, reinstate or remove a miner')
    .addHelpText(
      'after',
      `
Examples:
  $ aitbc miners list --status online
  $ aitbc miners get my-miner-001
  $ aitbc miners reinstate my-miner-001
  $ aitbc miners remove my-miner-001`,
    );
  group
    .command('list', { isDefault: true })
    .description('list the miners')
    .addOption(new Option('--status <status>', 'only miners with this status').choices(STATUSES))
    .option('--limit <n>', 'how many to list', positiveInteger, 20)
    .option('--all', 'list all')
    .action(async ({ status, ...flags }: ListFlags & Pick<ListMiners, 'status'>, command: Command) => {
      const found = clientFor(command, io).miners.list({ limit: pageSize(flags), ...(status && { status }) });
      await printList(found, flags, { command, io, columns: COLUMNS });
    });
  group
    .command('get')
    .description('show a miner, the pending jobs that it can run, and why it can not run others')
    .argument('<id>', 'the id of the miner')
    .action(async (id: string, _flags: object, command: Command) => {
      const miner = await clientFor(command, io).miners.get(id);
      if (wantsJson(command)) printJson(io, miner);
      else print(io, minerSheet(miner));
    });
  group
    .command('reinstate')
    .description('end the suspension of a miner, with an administrator’s key')
    .argument('<id>', 'the id of the miner')
    .addHelpText('after', '\nIts reputation is then that of a new miner.')
    .action(async (id: string, _flags: object, command: Command) => {
      const miner = await clientFor(command, io).miners.reinstate(id);
      if (wantsJson(command)) printJson(io, miner);
      else print(io, `${miner.miner_id} gets jobs again: its reputation is ${reputation(miner)}.`);
    });
  group
    .command('remove')
    .description('remove a miner and give its jobs to others')
    .argument('<id>', 'the id of the miner')
    .addHelpText(
      'after',
      '\nWhen an administrator removes it, another key can take its id, for example when its key is lost.',
    )
    .action(async (id: string, _flags: object, command: Command) => {
      await clientFor(command, io).miners.deregister(id);
      if (wantsJson(command)) printJson(io, { miner_id: id, removed: true });
      else print(io, `${id} is removed.`);
    });
}

const COLUMNS: Columns<Miner> = {
  head: ['miner', 'status', 'reputation', 'models', 'gpu', 'running', 'completed', 'failed', 'seen'],
  row: miner => [
    miner.miner_id,
    miner.status,
    reputation(miner),
    miner.capabilities.join(', '),
    gpu(miner),
    slots(miner),
    miner.completed,
    miner.failed,
    time(miner.last_seen_at),
  ],
};

const reputation = ({ reputation: { score, suspended_at } }: Miner) =>
  suspended_at === null ? `${score}` : `${score}, suspended`;

const gpu = ({ gpu_info, vram_gb }: Miner) =>
  [gpu_info?.name, vram_gb && `${vram_gb} GB`].filter(Boolean).join(', ') || '-';

const slots = ({ running, concurrency }: Miner) =>
  concurrency === null ? `${running}` : `${running} of ${concurrency}`;

function minerSheet(miner: MinerDetail): string {
  const { runnable, blocked, reason } = miner.workload;
  const sheet = fieldList({
    Miner: miner.miner_id,
    Status: miner.status,
    Models: miner.capabilities.join(', '),
    GPU: gpu(miner),
    Region: miner.region,
    Running: slots(miner),
    Completed: miner.completed,
    Failed: miner.failed,
    Reputation: record(miner),
    Address: miner.address,
    Registered: time(miner.registered_at),
    Seen: time(miner.last_seen_at),
    'Gets nothing': reason,
    'Suspended by': suspendedBy(miner),
  });
  const workloads = [...runnable, ...blocked];
  const sections = [sheet, table(['model', 'loaded', 'first token', 'tokens/s'], miner.models.map(modelRow))];
  if (workloads.length > 0)
    sections.push(table(['pending', 'model', 'can run it'], workloads.map(workloadRow)));
  return sections.join('\n\n');
}

const suspendedBy = ({ reputation: { suspended_by } }: Miner) =>
  suspended_by &&
  `${suspended_by}, since its answers do not fit its model. Its owner may appeal: POST /v1/verifications/${suspended_by}/appeal`;

/** The figures that the score follows from. */
function record(miner: Miner): string {
  const { successes, failures, timeouts, agreements, disagreements, suspended_at } = miner.reputation;
  const runs = `${successes} successes, ${failures} failures, ${timeouts} timeouts`;
  const since = suspended_at === null ? '' : ` since ${time(suspended_at)}`;
  return `${reputation(miner)}${since} (${runs}; ${agreements} agreements, ${disagreements} disagreements)`;
}

const modelRow = ({ model, loaded, time_to_first_token_ms, tokens_per_second }: MinerModel) => [
  model,
  loaded === null ? '-' : loaded ? 'yes' : 'no',
  time_to_first_token_ms === null ? '-' : `${time_to_first_token_ms} ms`,
  tokens_per_second ?? '-',
];

const workloadRow = ({ pending, model, reason }: Workload) => [pending, model, reason ?? 'yes'];
