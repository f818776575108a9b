import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of processor time so far. Null where the system doesn't tell: all but Linux. */
export interface ProcessorTime {
  generator: number;
  server: number | null;
  /** Of the database's processes, where it has some of its own. */
  database: number | null;
  /** Of all processes, and the kernel for them. */
  busy: number | null;
  /** `busy` and idle together: less than the clock's time on every core where a host gives its time to others. */
  given: number | null;
}

/** Linux shows times in hundredths of a second, whatever the hardware. */
const TICKS_PER_SECOND = 100;

/** Process ids. */
export interface Measured {
  server: string | undefined;
  /** The one that all the database's others are children of. */
  database: string | undefined;
}

export function readProcessorTime(measured: Measured): ProcessorTime {
  const { user, system } = process.cpuUsage();
  return {
    generator: (user + system) / 1e6,
    server: timeOf(measured.server),
    database: timeOf(measured.database),
    ...timeOfMachine(),
  };
}

/** Of a process, its children, and those of its children that have ended. */
function timeOf(pid: string | undefined): number | null {
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
  /** Of children that have ended and were waited for. */
  ofEnded: number;
}

/** From `/proc/PID/stat`, see proc_pid_stat(5): fields 4 and 14 to 17, counted on from the `)` that ends the second. */
function statOf(pid: string): ProcessStat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return { parent: fields[4 - 3], own: seconds(14) + seconds(15), ofEnded: seconds(16) + seconds(17) };
}

const allProcesses = () => readdirSync('/proc').filter(name => /^\d+$/.test(name));

/** From the first line of `/proc/stat`, see proc_stat(5). */
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
