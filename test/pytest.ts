import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { requirement } from './requirement.ts';

const run = promisify(execFile);
const PYTHON = process.env.PYTHON ?? 'python3';
const FOLDER = join(import.meta.dirname, '../python');

const NEEDED = 'httpx httpx_sse pydantic rfc8785 cryptography pytest tqdm ruff hatchling build'.split(' ');

/**
 * Runs tests of the Python package, and throws what pytest prints where one fails. Skips the test, or fails it in CI, where
 * Python lacks something.
 *
 * @param tests files below `python`, and options; all of them unless given
 */
export async function runPytest(
  context: TestContext,
  tests: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<void> {
  const found = await run(PYTHON, [
    '-c',
    `import sys, ${NEEDED.join(', ')}; assert sys.version_info >= (3, 10)`,
  ]).then(
    () => true,
    () => false,
  );
  const missing = `PYTHON must name a Python 3.10 that has ${NEEDED.join(', ')}: .ci/run shows how to install them`;
  requirement(context, found, missing);
  const own = { PYTHONPATH: join(FOLDER, 'src'), PYTHONDONTWRITEBYTECODE: '' };
  const options = { cwd: FOLDER, env: { ...process.env, ...own, ...env } };
  await run(PYTHON, ['-m', 'pytest', '--quiet', '--tb=short', ...tests], options).catch(
    ({ stdout, message }) => {
      throw new Error(stdout || message);
    },
  );
}
