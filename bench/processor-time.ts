import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of processor time so far. Null on systems other than Linux, which do not report it. */
export interface ProcessorTime {
  generator: number;
  server: number | null;
  /** The time of the database's processes, if it has its own. */
  database: number | null;
  /** The time of all processes and of the kernel for them. */
  busy: number | null;
  /**
   * `busy` plus idle. On a virtual machine it is less than the time of all cores when the host gives time to
   * others.
   */
  given: number | null;
}

/** Linux reports times in hundredths of a second on any hardware. */
const TICKS_PER_SECOND = 100;

/** Process ids. */
export interface Measured {
  server: string | undefined;
  /** The parent of the database's other processes. */
  database: string | undefined;
}

export function readProcessorTime(measured: Measured): ProcessorTime {
  const { user, system } = process.cpuUsage();
  return {
    generator: (user + system) / 1e6,
    server: processorSecondsOf(measured.server),
    database: processorSecondsOf(measured.database),
    ...timeOfMachine(),
  };
}

/** Returns the time of a process, its children, and of those of its children that have ended. */
export function processorSecondsOf(pid: string | undefined): number | null {
  const parent = pid === undefined ? undefined : statOf(pid);
  if (!parent) return null;
  const children = allProcesses().flatMap(child => statOf(child) ?? []);
  return children
    .filter(child => child.parent === pid)
    .reduce((sum, child) => sum + child.own, parent.own + parent.ofEnded);
}

interface ProcessStat {
  parent: string | undefined;
  own: number;
  /** The time of children that have ended and were waited for. */
  ofEnded: number;
}

/**
 * Reads `/proc/PID/stat`, see proc_pid_stat(5): fields 4 and 14 to 17, counted from the `)` that ends the
 * second field.
 */
function statOf(pid: string): ProcessStat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return { parent: fields[4 - 3], own: seconds(14) + seconds(15), ofEnded: seconds(16) + seconds(17) };
}

const allProcesses = () => readdirSync('/proc').filter(name => /^\d+$/.test(name));

/** Reads the first line of `/proc/stat`, see proc_stat(5). */
function timeOfMachine(): Pick<ProcessorTime, 'busy' | 'given'> {
  const line = read('/proc/stat')?.split('\n')[0];
  if (line === undefined) return { busy: null, given: null };
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(ticks => Number(ticks) / TICKS_PER_SECOND);
  const busy = user + nice + system + irq + softIrq;
  return { busy, given: busy + idle + ioWait };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
