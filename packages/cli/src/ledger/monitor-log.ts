import { cosigners } from '../checkpoint-checks.ts';
import type { Io } from '../io.ts';
import { print } from '../output.ts';
import { count, othersIn } from './audit-tree.ts';
import type { Breach } from './history.ts';
import type { Look } from './look.ts';
import type { Successor } from './successor.ts';

/** The most lines about one checkpoint. Programs get all stored faults. */
const SHOWN_FAULTS = 10;

/** Reports what a monitor sees. */
export interface MonitorLog {
  seen(look: Look): void;
  /** The ledger was restored, and the monitor follows another one from now on. */
  restored(successor: Successor, detail: string): void;
  unreachable(detail: string, seconds: number): void;
  breach(breach: Breach, evidence: string): void;
}

/** Prints lines for people, or JSON lines for programs. */
export function monitorLog(io: Io, { json }: { json: boolean }): MonitorLog {
  const tell = (event: object, lines: readonly string[]) => {
    const time = new Date();
    if (json) io.stdout.write(`${JSON.stringify({ time: time.toISOString(), ...event })}\n`);
    else for (const line of lines) print(io, `${time.toLocaleTimeString('en-GB')}  ${line}`);
  };
  return {
    seen(look) {
      const { tree, from, receipts, grants, others, faults, total } = look;
      const event = { event: 'checkpoint', ledger: tree, from, receipts, grants, others, faults, total };
      tell(event, [lineOf(look), ...faults.slice(0, SHOWN_FAULTS).map(({ detail }) => `✗ ${detail}`)]);
    },
    restored: ({ restore, vkey }, detail) =>
      tell({ event: 'restored', detail, vkey, restore }, [`✗ RESTORED: ${detail}`]),
    unreachable: (detail, seconds) =>
      tell({ event: 'unreachable', detail, retry_seconds: seconds }, [
        `· ${detail}. Next try in ${seconds} s`,
      ]),
    breach({ code, detail, earlier, now }, evidence) {
      const notes = { earlier: earlier.checkpoint.note, now: now.note };
      tell({ event: 'breach', code, detail, evidence, ...notes }, [`✗ ${code}: ${detail}`]);
    },
  };
}

function lineOf({ tree, from, receipts, grants, others, total }: Look): string {
  if (!tree) return '✗ no valid checkpoint';
  const { tree_size, root_hash, witnesses } = tree;
  const { known, unknown } = othersIn({ others });
  const kinds = [...known, ...unknown.map(text => `${text} (unknown)`)];
  const parts = [
    `${total === 0 ? '✓' : '✗'} ${count(tree_size, 'entry', 'entries')}`,
    `${tree_size - from} checked: ${[count(receipts, 'receipt'), count(grants, 'grant'), ...kinds].join(', ')}`,
    `root ${root_hash}`,
    ...(witnesses.length === 0 ? [] : [`cosigned by ${cosigners(witnesses)}`]),
    ...(total === 0 ? [] : [count(total, 'finding')]),
  ];
  return parts.join(', ');
}
