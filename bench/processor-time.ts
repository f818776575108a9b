import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Seconds of processor time so far. */
export interface ProcessorTime {
  generator: number;
  /** Null where the system doesn't tell. */
  server: number | null;
  /** Of all processes. */
  busy: number;
  /** `busy` and idle together: less than the clock's time on every core where a host gives its time to others. */
  given: number;
}

/** Linux counts the time of processes in hundredths of a second, whatever the hardware. */
const TICKS_PER_SECOND = 100;

export function readProcessorTime(serverPid: string | undefined): ProcessorTime {
  const { user, system } = process.cpuUsage();
  const cores = cpus().map(({ times }) => times);
  const sum = (values: readonly number[]) => values.reduce((total, ms) => total + ms, 0) / 1000;
  const given = sum(cores.flatMap(times => Object.values(times)));
  return {
    generator: (user + system) / 1e6,
    server: serverPid === undefined ? null : timeOf(serverPid),
    busy: given - sum(cores.map(times => times.idle)),
    given,
  };
}

/** From `/proc/PID/stat`, see proc_pid_stat(5): fields 14 and 15, counted on from the `)` that ends the second. */
function timeOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
