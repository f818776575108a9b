import { readFileSync } from 'node:fs';

/** Seconds of processor time so far. Null where the system doesn't tell: all but Linux. */
export interface ProcessorTime {
  generator: number;
  server: number | null;
  /** Of all processes, and the kernel for them. */
  busy: number | null;
  /** `busy` and idle together: less than the clock's time on every core where a host gives its time to others. */
  given: number | null;
}

/** Linux shows times in hundredths of a second, whatever the hardware. */
const TICKS_PER_SECOND = 100;

export function readProcessorTime(serverPid: string | undefined): ProcessorTime {
  const { user, system } = process.cpuUsage();
  return {
    generator: (user + system) / 1e6,
    server: serverPid === undefined ? null : timeOf(serverPid),
    ...timeOfMachine(),
  };
}

/** From `/proc/PID/stat`, see proc_pid_stat(5): fields 14 and 15, counted on from the `)` that ends the second. */
function timeOf(pid: string): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

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
