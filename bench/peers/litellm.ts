import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, type OwnServer, startProgram } from '../server.ts';

/* LiteLLM's proxy, which relays streams and stores nothing of them. */

const run = promisify(execFile);
const inPeers = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const VENV = inPeers('./venv');

/** Its command: that of the environment's variable `LITELLM`, or of the virtual environment in this folder. */
const command = () => process.env.LITELLM ?? join(VENV, 'bin', 'litellm');

export const isLitellmInstalled = (): boolean => existsSync(command());

/** Installs LiteLLM in a virtual environment of its own, which takes minutes. */
export async function installLitellm(): Promise<void> {
  await run('python3', ['-m', 'venv', VENV]);
  const packages = ['install', '--quiet', '--requirement', inPeers('./requirements.txt')];
  await run(join(VENV, 'bin', 'pip'), packages, { maxBuffer: 2 ** 26 });
}

/** Nothing is fetched from elsewhere, neither prices of models nor a count of its users, and it serves without a key. */
const ENVIRONMENT = {
  ...{ LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_TELEMETRY: 'False' },
  LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
};

/** Starts the proxy in front of an engine, as its manual shows it, with one worker. */
export async function startLitellm(engineUrl: string): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-bench-litellm-'));
  const config = join(folder, 'config.yaml');
  const parameters = { model: 'openai/bench', api_base: `${engineUrl}/v1`, api_key: 'none' };
  // JSON is YAML, too.
  await writeFile(
    config,
    JSON.stringify({ model_list: [{ model_name: 'bench', litellm_params: parameters }] }),
  );
  const port = await freePort();
  const argv = ['--config', config, '--host', '127.0.0.1', '--port', `${port}`, '--telemetry', 'False'];
  const removeFolder = () => rm(folder, { recursive: true });
  try {
    const { stop, ...server } = await startProgram(argv, {
      ...{ program: command(), ready: /running on http:\/\/127\.0\.0\.1:\d+/i, env: ENVIRONMENT },
    });
    return { ...server, url: `http://127.0.0.1:${port}`, stop: () => stop().finally(removeFolder) };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
