import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import { testLog } from './log.ts';
import { NAME } from './witnesses.ts';

const MAIN = inject('programs').main;

/** A witness in its own process. */
export interface WitnessProcess {
  child: ChildProcess;
  url: string;
  vkey: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Resolves once the witness listens. */
export async function spawnWitness(data: string): Promise<WitnessProcess> {
  const options = ['--name', NAME, '--log', testLog().vkey, '--data', data, '--port', '0', '--json'];
  const child = spawn(process.execPath, [MAIN, 'witness', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const [line] = await Promise.race([
    once(lines, 'line'),
    exited.then(() => Promise.reject(new Error('It has ended'))),
  ]);
  const { url, vkey } = JSON.parse(line) as { url: string; vkey: string };
  return {
    child,
    url,
    vkey,
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
