import type { Draw, MinerEvidence } from '@aitbc/protocol';
import { verifyEntry } from '@aitbc/receipts';
import type { CoordinatorClient } from '@aitbc/sdk';
import { leafHash } from '@aitbc/tlog';
import type { Command } from 'commander';
import { clientFor, wantsJson } from '../connection.ts';
import { CommandFailure, Interruption } from '../failure.ts';
import { type CheckFinding, failedChecks, findingsTable } from '../findings.ts';
import type { Io } from '../io.ts';
import { print, printJson } from '../output.ts';
import { showSteps } from '../progress.ts';
import { table } from '../table.ts';
import type { TrustFlags } from '../trust.ts';
import { type KeyFlags, readKeys } from '../trusted-keys.ts';
import { type NamedLedger, openNamed } from './open-ledger.ts';
import { RecomputedRecords } from './recompute-records.ts';

export interface ReputationFlags extends TrustFlags, KeyFlags {
  miner?: string;
}

/** How many faults of a kind are shown. */
const SHOWN = 5;

/** `aitbc ledger reputation`: recomputes the records of miners from the ledger, and compares them with the coordinator's. */
export async function recomputeReputation(
  url: string | undefined,
  flags: ReputationFlags,
  command: Command,
  io: Io,
): Promise<void> {
  const named = await openNamed(url, { flags, command, io });
  const keys = await readKeys(flags);
  const client = clientFor(command, io);
  // Asked for before the checkpoint, so that whatever it names is in the ledger that is read.
  const [board, draws] = await Promise.all([all(client.evidence.list({ limit: 100 })), drawsOf(client)]);
  const { recomputed, origin, size, invalid } = await readAll(named, keys, io);
  const drawn = recomputed.checkDraws(origin, draws);
  const differences = board.flatMap(row => differenceOf(row, recomputed));
  const findings = [
    finding('statements', invalid, `${size} entries, each signed by a key that you or the ledger trust`),
    finding('judgements', recomputed.faults, 'each follows from the numbers beside it'),
    finding(
      'draws',
      drawn.faults,
      `${drawn.revealed} are revealed, and drew ${drawn.drawn} receipts, all verified`,
    ),
    finding('records', differences, `${board.length} of the coordinator, as recomputed`),
  ];
  report(recomputed, findings, flags, command, io);
  const failed = failedChecks(findings);
  if (failed.length > 0) throw new CommandFailure(`The reputations do not verify: ${failed.join(', ')}`);
}

const finding = (name: string, faults: readonly string[], good: string): CheckFinding => ({
  ...{ name, ok: faults.length === 0 },
  detail:
    faults.length === 0
      ? good
      : [
          ...faults.slice(0, SHOWN),
          ...(faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : []),
        ].join('; '),
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const drawsOf = async (client: CoordinatorClient): Promise<Draw[]> =>
  await all(client.evidence.draws({ limit: 100 }));

async function readAll({ ledger }: NamedLedger, keys: Awaited<ReturnType<typeof readKeys>>, io: Io) {
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption('Stopped before the end, so there is no result.')),
  );
  const { signal } = interrupted;
  try {
    const checkpoint = await ledger.checkpoint({ signal });
    const { origin, size } = checkpoint;
    const recomputed = new RecomputedRecords();
    const invalid: string[] = [];
    await showSteps(io, async onProgress => {
      for await (const { index, bytes } of ledger.tree(checkpoint).entries({ signal })) {
        const { valid, statement } = await verifyEntry(bytes, keys ? { keys } : {});
        if (!valid) invalid.push(`Entry ${index} is not a valid statement`);
        recomputed.add(index, leafHash(bytes), statement);
        onProgress({ step: 'verify', by: 1, all: size });
      }
    });
    return { recomputed, origin, size, invalid };
  } finally {
    unsubscribe();
  }
}

/** The record of the coordinator may be ahead of the published ledger, but has no fewer answers. */
function differenceOf(row: MinerEvidence, { records }: RecomputedRecords): string[] {
  const record = records.get(`${row.miner_id}/${row.passport}`);
  const counted = (of: { consistent: number; accused: number; inconclusive: number }) =>
    of.consistent + of.accused + of.inconclusive;
  const name = `${row.miner_id} with ${row.passport.slice(0, 8)}`;
  if (!record) return counted(row) === 0 ? [] : [`The ledger has nothing of ${name}`];
  if (counted(row) !== counted(record)) return [];
  const { state } = record;
  const isSame =
    row.judgement === state.judgement &&
    row.answers === state.answers &&
    row.accusations === record.accusations &&
    Math.abs(Math.log(row.e_value) - Math.log(state.e_value)) < 1e-6;
  return isSame ? [] : [`The coordinator says ${row.judgement} of ${name}, the ledger ${state.judgement}`];
}

function report(
  { records }: RecomputedRecords,
  findings: readonly CheckFinding[],
  { miner }: ReputationFlags,
  command: Command,
  io: Io,
): void {
  const rows = [...records]
    .map(([key, record]) => ({
      miner_id: key.split('/')[0] ?? '',
      passport: key.split('/')[1] ?? '',
      ...record,
    }))
    .filter(({ miner_id }) => miner === undefined || miner_id === miner)
    .sort((a, b) => (a.miner_id < b.miner_id ? -1 : 1));
  if (wantsJson(command)) {
    const valid = findings.every(({ ok }) => ok !== false);
    const miners = rows.map(({ state, ...row }) => ({
      ...{ ...row, judgement: state.judgement, answers: state.answers, e_value: state.e_value },
    }));
    printJson(io, { valid, checks: findings, miners });
    return;
  }
  const head = [
    'miner',
    'passport',
    'judgement',
    'answers',
    'accused',
    'inconclusive',
    'e-value',
    'accusations',
  ];
  print(
    io,
    table(
      head,
      rows.map(({ miner_id, passport, state, accused, inconclusive, accusations }) => [
        ...[miner_id, passport.slice(0, 12), state.judgement, state.answers, accused, inconclusive],
        ...[state.e_value.toPrecision(3), accusations],
      ]),
    ),
  );
  print(io, findingsTable(findings));
}
