import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { MODEL, withMiner } from './network.ts';

const run = promisify(execFile);
const FOLDER = join(import.meta.dirname, 'clients');

/** Some clients do not work with OpenAI's newest client yet, so they need another Python environment. */
const { PYTHON = 'python3', PYTHON_OPENAI_2 = PYTHON } = process.env;

const network = withMiner(async () => ['--gguf', inject('gguf'), '--model', MODEL]);

test.for<[name: string, python: string, module: string]>([
  ['openai', PYTHON, 'openai'],
  ['langchain', PYTHON, 'langchain_openai'],
  ['pydantic_ai', PYTHON, 'pydantic_ai'],
  ['instructor', PYTHON_OPENAI_2, 'instructor'],
  ['llama_index', PYTHON_OPENAI_2, 'llama_index.llms.openai_like'],
])(
  '%s for Python gets texts, streams, tools, objects and vectors',
  async ([name, python, module], context) => {
    const found = await run(python, [
      '-c',
      `import pytest, importlib.util as u; assert u.find_spec('${module}')`,
    ]).then(
      () => true,
      () => false,
    );
    requirement(context, found, `.ci/run shows how to install ${module} and pytest for ${python}`);
    const env = { ...process.env, BASE_URL: `${network.url}/v1`, MODEL, PYTHONDONTWRITEBYTECODE: '1' };
    const pytest = ['-m', 'pytest', '--quiet', '--tb=short', '-p', 'no:cacheprovider', `test_${name}.py`];
    await run(python, pytest, { cwd: FOLDER, env }).catch(({ stdout, message }) => {
      throw new Error(stdout || message);
    });
  },
);
