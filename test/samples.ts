import { readFileSync } from 'node:fs';
import { codeBlocks } from './markdown.ts';

/** The address in samples. Each test replaces it by that of its own coordinator. */
export const SAMPLE_URL = 'http://127.0.0.1:8000';

/** The address of a witness in guides, which is replaced too. */
export const WITNESS_URL = 'http://127.0.0.1:8100';

/** Returns the TypeScript samples of a README in order. */
export function readSamples(path: URL): string[] {
  const blocks = codeBlocks(readFileSync(path, 'utf8'));
  return blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
}

/**
 * Runs a sample within the test against the coordinator at `url`, and returns what it printed.
 *
 * @param modules what it may import, by import name
 */
export async function runSample(
  sample: string,
  { url, modules }: { url: string; modules: Record<string, object> },
): Promise<unknown[][]> {
  const body = sample
    .replace(/^import (\{.*?\}) from '(.*?)';/gms, "const $1 = modules['$2'];")
    .replaceAll(SAMPLE_URL, url);
  const printed: unknown[][] = [];
  const console = { log: (...values: unknown[]) => printed.push(values) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction('modules', 'console', body)(modules, console);
  return printed;
}
