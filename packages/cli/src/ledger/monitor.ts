import { setTimeout } from 'node:timers/promises';
import { AitbcError } from '@aitbc/sdk';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import { CommandFailure, message } from '../failure.ts';
import type { Io } from '../io.ts';
import { note } from '../output.ts';
import { readKeys } from '../trusted-keys.ts';
import { count } from './auditing.ts';
import { type Breach, type Earlier, keepEvidence, openEarlier } from './history.ts';
import { type Look, look } from './looking.ts';
import { type MonitorLog, monitorLog } from './monitor-log.ts';
import { type NamedLedger, openNamed } from './opening.ts';
import { openSaved, type SavedCheckpoints } from './saved-checkpoints.ts';
import { describeSuccessor, findSuccessor, type Successor } from './successor.ts';
import type { LedgerFlags } from './verify.ts';

/** Between tries, where the ledger can't be read for long. */
const LONGEST_PAUSE_SECONDS = 900;
/** Where evidence goes when there is no folder of checkpoints. */
const HERE = '.';

export interface MonitorFlags extends LedgerFlags {
  interval: number;
  once?: boolean;
}

/** `aitbc ledger monitor`: follows a ledger until a signal, or until it contradicts itself. */
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
  if (!json && !flags.once) note(io, `Follows ${address}, every ${flags.interval} s. Ctrl-C ends it.`);
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

/** The first signal ends the pause or the requests that are underway, the second the process. */
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
  /** The ledger that is followed at first. */
  named: NamedLedger;
  look(named: NamedLedger, earlier: readonly Earlier[]): Promise<Look>;
  successorOf(named: NamedLedger): Promise<Successor | null>;
  pause(seconds: number): Promise<void>;
}

/** What the monitor knows from one look to the next: the last checkpoint, and what it has told. */
function createFollowing({ saved, log, earlier: first }: Means) {
  let earlier = first;
  let current: NamedLedger | undefined;
  let told = '';
  let taken = '';
  let failures = 0;
  const following = {
    /** Findings so far. */
    faults: 0,
    async until(signal: AbortSignal, pace: Pace): Promise<void> {
      do {
        const seconds = await visit(signal, pace);
        if (pace.once || signal.aborted) return;
        await pace.pause(seconds);
      } while (!signal.aborted);
    },
  };

  /** One look. Answers in how many seconds the next one is due. */
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

  /** Goes on with the ledger that a restore has put in the place of the one that was followed, where there is one. */
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
    // Else the next look begins where this one did.
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
      `The ledger contradicts what it signed before. Both checkpoints are in ${evidence}: publish them.`,
    );
  }

  return following;
}
