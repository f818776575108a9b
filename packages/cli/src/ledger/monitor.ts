import { setTimeout } from 'node:timers/promises';
import { AitbcError } from '@aitbc/sdk';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import { CommandFailure, message } from '../failure.ts';
import type { Io } from '../io.ts';
import { note } from '../output.ts';
import { readKeys } from '../trusted-keys.ts';
import { count } from './audit-tree.ts';
import { type Breach, type Earlier, keepEvidence, openEarlier } from './history.ts';
import { type Look, look } from './look.ts';
import { type MonitorLog, monitorLog } from './monitor-log.ts';
import { type NamedLedger, openNamed } from './open-ledger.ts';
import { openSaved, type SavedCheckpoints } from './saved-checkpoints.ts';
import { describeSuccessor, findSuccessor, type Successor } from './successor.ts';
import type { LedgerFlags } from './verify.ts';

/** The longest pause between tries while the ledger can not be read. */
const LONGEST_PAUSE_SECONDS = 900;
/** The folder for evidence when no folder of checkpoints is given. */
const HERE = '.';

export interface MonitorFlags extends LedgerFlags {
  interval: number;
  once?: boolean;
}

/** `aitbc ledger monitor`: follows a ledger until a signal, or until the ledger contradicts itself. */
export async function monitorLedger(
  url: string | undefined,
  flags: MonitorFlags,
  command: Command,
  io: Io,
): Promise<void> {
  const saved = flags.checkpoints === undefined ? null : await openSaved(flags.checkpoints);
  const audit = { statements: flags.statements, keys: await readKeys(flags) };
  const named = await openNamed(url, { flags, command, io });
  const { ledger, policy, url: address } = named;
  const origins = policy.logs.map(({ key }) => key.name);
  const earlier = saved ? await openEarlier(ledger, await saved.read(origins)) : [];
  const json = wantsJson(command);
  if (!json && !flags.once) note(io, `Following ${address}, every ${flags.interval} s. Ctrl-C ends it.`);
  const stop = stopOnSignal(io);
  const following = createFollowing({ saved, log: monitorLog(io, { json }), earlier });
  try {
    await following.until(stop.signal, {
      ...flags,
      named,
      look: (of, earlier) => look({ ...of, audit, signal: stop.signal, fromStart: of !== named }, earlier),
      successorOf: of => findSuccessor(of, { io, keys: audit.keys, signal: stop.signal }),
      pause: seconds => pause(seconds * 1000, stop.signal, io),
    });
  } finally {
    stop.unsubscribe();
  }
  const { faults } = following;
  if (faults > 0) throw new CommandFailure(`The ledger does not verify: ${count(faults, 'finding')}`);
}

/** The first signal ends the pause or the requests under way, the second ends the process. */
function stopOnSignal(io: Io) {
  const stopping = new AbortController();
  const unsubscribe = io.onSignal(() => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
  });
  return { signal: stopping.signal, unsubscribe };
}

async function pause(ms: number, signal: AbortSignal, io: Io): Promise<void> {
  const sleep = io.client?.sleep ?? ((ms, signal) => setTimeout(ms, undefined, { signal }));
  await sleep(ms, signal).catch(error => signal.aborted || Promise.reject(error));
}

interface Means {
  saved: SavedCheckpoints | null;
  log: MonitorLog;
  earlier: readonly Earlier[];
}

interface Pace extends Pick<MonitorFlags, 'interval' | 'once'> {
  /** The ledger that the command line names. */
  named: NamedLedger;
  look(named: NamedLedger, earlier: readonly Earlier[]): Promise<Look>;
  successorOf(named: NamedLedger): Promise<Successor | null>;
  pause(seconds: number): Promise<void>;
}

/** The state of a monitor between looks: the last checkpoint, and what was reported. */
function createFollowing({ saved, log, earlier: first }: Means) {
  let earlier = first;
  let current: NamedLedger | undefined;
  let told = '';
  let taken = '';
  let failures = 0;
  const following = {
    /** How many findings there were so far. */
    faults: 0,
    async until(signal: AbortSignal, pace: Pace): Promise<void> {
      do {
        const seconds = await visit(signal, pace);
        if (pace.once || signal.aborted) return;
        await pace.pause(seconds);
      } while (!signal.aborted);
    },
  };

  /** Looks once. Returns the seconds until the next look. */
  async function visit(signal: AbortSignal, pace: Pace): Promise<number> {
    const { look, interval, once } = pace;
    let found: Look;
    try {
      found = await look(current ?? pace.named, earlier);
      if (!found.checkpoint && !found.breach && (await succeed(pace)))
        found = await look(current ?? pace.named, earlier);
    } catch (error) {
      if (signal.aborted) return 0;
      if (once || !(error instanceof AitbcError)) throw error;
      const seconds = Math.min(interval * 2 ** failures++, Math.max(interval, LONGEST_PAUSE_SECONDS));
      log.unreachable(message(error), seconds);
      return seconds;
    }
    failures = 0;
    await take(found);
    return interval;
  }

  /** Follows the new ledger when a restore has replaced the one that was followed. */
  async function succeed({ named, successorOf }: Pace): Promise<boolean> {
    const successor = await successorOf(current ?? named);
    if (!successor) return false;
    log.restored(successor, describeSuccessor(successor, earlier));
    following.faults++;
    current = successor.named;
    earlier = saved ? await openEarlier(current.ledger, await saved.read([successor.restore.ledger])) : [];
    return true;
  }

  async function take(found: Look): Promise<void> {
    if (found.breach) await giveUp(found.breach);
    const tree = JSON.stringify([found.tree?.tree_size, found.tree?.root_hash]);
    const what = JSON.stringify([tree, found.faults]);
    if (what === told || (tree === taken && found.total === 0)) return;
    told = what;
    following.faults += found.total;
    const { checkpoint } = found;
    // Otherwise the next look starts where this one did.
    if (checkpoint && found.isSound) {
      taken = tree;
      earlier = [{ file: null, checkpoint }];
      await saved?.keep(checkpoint.origin, checkpoint.note);
    }
    log.seen(found);
  }

  async function giveUp(breach: Breach): Promise<never> {
    const evidence = await keepEvidence(breach, saved?.folder ?? HERE);
    log.breach(breach, evidence);
    throw new CommandFailure(
      `The ledger contradicts its earlier checkpoint. Both checkpoints are in ${evidence}: publish them.`,
    );
  }

  return following;
}
