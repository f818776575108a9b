import type { FastifyBaseLogger } from 'fastify';
import type { Rooms } from './rooms.ts';

/** Sweeps at intervals until stopped. A sweep that fails is logged and tried again. */
export function startSweeper(
  { store, sweep }: Rooms,
  everyMs: number,
  log: FastifyBaseLogger,
): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  async function once() {
    try {
      let more = true;
      while (more && !stopped) {
        const outcome = await store.write(sweep, undefined);
        more = outcome.ok && outcome.value.more;
      }
    } catch (error) {
      log.error({ err: error }, 'sweep failed');
    }
    if (!stopped) timer = setTimeout(run, everyMs);
  }

  function run() {
    running = once();
  }

  run();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
