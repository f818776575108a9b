import { verifyDisclosure } from '@aitbc/receipts';
import type { CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { UsageError } from '../failure.ts';
import type { CheckFinding } from '../findings.ts';
import type { Io } from '../io.ts';
import { note } from '../output.ts';

/** Texts that may be those of a receipt. */
export interface DisclosureFlags {
  salt?: string;
  prompt?: string;
  result?: string;
}

export function disclosureOptions(command: Command): Command {
  return command
    .option('--salt <salt>', 'the salt of the job, to compare a disclosed --prompt or --result')
    .option('--prompt <text>', 'the disclosed prompt')
    .option('--result <text>', 'the disclosed result');
}

export interface Disclosed {
  salt: string;
  prompt?: string | undefined;
  result?: string | undefined;
}

export function readDisclosed({ salt, prompt, result }: DisclosureFlags): Disclosed | null {
  const hasText = prompt !== undefined || result !== undefined;
  if (hasText !== (salt !== undefined)) {
    throw new UsageError('--salt and --prompt or --result are only used together.');
  }
  return salt === undefined ? null : { salt, prompt, result };
}

/** Returns the texts of the caller's own job, which its receipt must match. */
export async function ownTexts(client: CoordinatorClient, jobId: string, io: Io): Promise<Disclosed> {
  const { salt, prompt, result, erased_at } = await client.jobs.get(jobId);
  if (erased_at !== null) {
    note(
      io,
      `The coordinator has erased the texts of this job. To compare your own, use --salt ${salt} with --prompt or --result.`,
    );
  }
  return { salt, prompt: prompt ?? undefined, result: result ?? undefined };
}

export function checkDisclosed(receipt: unknown, disclosed: Disclosed | null): CheckFinding[] {
  if (!disclosed) return [];
  const matches = verifyDisclosure({ receipt: Object(receipt), ...disclosed });
  return (['prompt', 'result'] as const)
    .filter(name => matches[name] !== null)
    .map(name => ({
      name,
      ok: matches[name] === true,
      detail: matches[name]
        ? 'it is the text that the receipt is for'
        : 'it is not the text that the receipt is for',
    }));
}
