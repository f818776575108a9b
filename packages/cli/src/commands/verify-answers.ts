import {
  type Identity,
  llamaReader,
  type RunningVerifier,
  startVerifier,
  type VerifierEvent,
} from '@aitbc/miner';
import type { Command } from 'commander';
import { clientFor, wantsJson } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note, print } from '../output.ts';

export interface VerifierFlags {
  backend?: string;
  gguf?: string;
  contextSize?: number;
  threads?: number;
  maxJobs?: number;
  shutdownSeconds: number;
  state: string;
}

/** `aitbc miner --verify`: reads other miners' answers with this machine's model until a signal stops it. */
export async function verifyAnswers(
  flags: VerifierFlags,
  { identity, command, io }: { identity: Identity; command: Command; io: Io },
): Promise<void> {
  const { backend = 'llama', gguf, contextSize, threads, state } = flags;
  if (backend !== 'llama' || gguf === undefined)
    throw new UsageError('To verify answers, name the file of the model that their miners have: --gguf FILE');
  const spinner = io.spinner(`Loading ${gguf}`);
  const reader = await llamaReader({ gguf, contextSize, threads, state }).finally(() => spinner.stop());
  try {
    const verifier = startVerifier({
      ...{ client: clientFor(command, io), reader, verifierId: identity.minerId, maxAnswers: flags.maxJobs },
      shutdownTimeout: flags.shutdownSeconds * 1000,
      onEvent: verifierLog(io, wantsJson(command)),
    });
    await untilDone(verifier, io);
  } finally {
    await reader.close();
  }
}

/** The first signal lets the answer under way be finished, the second gives it back, the third ends the process. */
async function untilDone(verifier: RunningVerifier, io: Io): Promise<void> {
  let signals = 0;
  const unsubscribe = io.onSignal(signal => {
    signals++;
    if (signals > 2) process.exit(1);
    if (signals === 2) note(io, `${signal}: giving the answer back…`);
    (signals === 1 ? verifier.stop() : verifier.quit()).catch(() => {});
  });
  await verifier.done.finally(unsubscribe);
}

function verifierLog(io: Io, json: boolean) {
  return (event: VerifierEvent) => {
    const time = new Date();
    if (json) io.stdout.write(`${JSON.stringify({ time: time.toISOString(), ...event })}\n`);
    else print(io, `${time.toLocaleTimeString('en-GB')}  ${lineOf(event)}`);
  };
}

function lineOf(event: VerifierEvent): string {
  switch (event.event) {
    case 'verifying':
      return `Verifying as ${event.verifier_id} with ${event.weights}, by ${event.engine}. Waiting for answers`;
    case 'disconnected':
      return `${event.error}. Trying again until the coordinator answers`;
    case 'reconnected':
      return 'The coordinator answers again';
    case 'answer_read': {
      const judgement = event.judgement ?? 'another verifier has to read it too';
      return `${event.verification_id} read: ${event.tokens} tokens of ${event.model} in ${event.seconds} s, ${judgement}`;
    }
    case 'answer_failed':
      return `${event.verification_id} given back: ${event.error}`;
    case 'answer_lost':
      return `${event.verification_id} ended, but the coordinator could not be told: ${event.error}`;
    case 'stopping':
      return `Stopping: the answer under way may be finished within ${event.timeout_seconds} s`;
    case 'stopped':
      return `Stopped after ${event.read} answer${event.read === 1 ? '' : 's'}`;
  }
}
