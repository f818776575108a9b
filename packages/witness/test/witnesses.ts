import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatNote,
  openNote,
  parseNote,
  parseSignatureLines,
  parseVkey,
  type VerifiedSignature,
} from '@aitbc/tlog';
import { onTestFinished } from 'vitest';
import { type RunningWitness, startWitness, type WitnessEvent, type WitnessOptions } from '../src/index.ts';
import { testLog } from './log.ts';

export const NAME = 'witness.example/alice';
export const NOW = Date.parse('2026-01-24T15:00:00Z');

/** Creates an empty folder that is removed after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-witness-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestWitness extends RunningWitness {
  data: string;
  events: WitnessEvent[];
}

/** Starts a witness of the test's log that ends with the test. It has its own folder unless one is given. */
export async function runWitness(options: Partial<WitnessOptions> = {}): Promise<TestWitness> {
  const data = options.data ?? (await testFolder());
  const events: WitnessEvent[] = [];
  const witness = await startWitness({
    name: NAME,
    logs: [testLog().key],
    port: 0,
    now: () => NOW,
    onEvent: event => events.push(event),
    ...options,
    data,
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= witness.close();
    return closed;
  };
  onTestFinished(close);
  return { ...witness, data, events, close };
}

export interface Answer {
  status: number;
  type: string | null;
  text: string;
}

export async function addCheckpoint(url: string, body: string | Uint8Array): Promise<Answer> {
  return await answerOf(
    fetch(`${url}/add-checkpoint`, { method: 'POST', body: new TextEncoder().encode(`${body}`) }),
  );
}

export async function get(url: string): Promise<Answer> {
  return await answerOf(fetch(url));
}

async function answerOf(response: Promise<Response>): Promise<Answer> {
  const { status, headers, text } = await response.then(async answer => ({
    status: answer.status,
    headers: answer.headers,
    text: await answer.text(),
  }));
  return { status, type: headers.get('content-type'), text };
}

/** Verifies a witness's answer as its signature of a checkpoint. */
export async function cosignature(note: string, lines: string, vkey: string): Promise<VerifiedSignature[]> {
  const { text } = parseNote(note);
  return [
    ...(await openNote(formatNote({ text, signatures: parseSignatureLines(lines) }), [parseVkey(vkey)]))
      .signatures,
  ];
}
