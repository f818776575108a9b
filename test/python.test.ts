import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'vitest';
import { requirement } from './requirement.ts';

const run = promisify(execFile);
const PYTHON = process.env.PYTHON ?? 'python3';
const FOLDER = join(import.meta.dirname, '../python');

const NEEDED = 'httpx httpx_sse pydantic rfc8785 cryptography pytest tqdm ruff hatchling build'.split(' ');

const hasPackages = () =>
  run(PYTHON, ['-c', `import sys, ${NEEDED.join(', ')}; assert sys.version_info >= (3, 10)`]).then(
    () => true,
    () => false,
  );

test("the Python package's own tests", { timeout: 240_000 }, async context => {
  const missing = `PYTHON must name a Python 3.10 that has ${NEEDED.join(', ')}: .ci/run shows how to install them`;
  requirement(context, await hasPackages(), missing);
  const env = { ...process.env, PYTHONPATH: join(FOLDER, 'src'), PYTHONDONTWRITEBYTECODE: '1' };
  await run(PYTHON, ['-m', 'pytest', '--quiet', '--tb=short'], { cwd: FOLDER, env }).catch(
    ({ stdout, message }) => {
      throw new Error(stdout || message);
    },
  );
});
