import { addressFault } from '@aitbc/receipts';
import { InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function integer(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

export function integerFrom(minimum: number): (text: string) => number {
  return text => {
    const value = integer(text);
    if (value < minimum) throw new InvalidArgumentError(`It must be at least ${minimum}.`);
    return value;
  };
}

export function port(text: string): number {
  const value = integer(text);
  if (value < 0 || value > 65_535) throw new InvalidArgumentError('It must be from 0 to 65535.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError('It must be above 0.');
  return value;
}

export function address(text: string): string {
  const fault = addressFault(text);
  if (fault !== undefined) throw new InvalidArgumentError(`It must be an address (ait1…): ${fault}.`);
  return text;
}

export const positiveInteger = integerFrom(1);

/** Collects `name=value` options into an object. A value that is JSON is parsed, any other is a text. */
export function pair(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must look like name=value.');
  return { ...before, [text.slice(0, equals)]: jsonOrText(text.slice(equals + 1)) };
}

/** Names separated by commas. The option may be repeated. */
export function nameList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  return [...before, ...names.filter(name => name !== '')];
}

/** Texts separated by spaces. The option may be repeated. */
export function words(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(/\s+/).filter(word => word !== '')];
}

/** Reads the whole standard input as UTF-8. */
export async function readInput(io: Io): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
