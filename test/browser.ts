import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { requirement } from './requirement.ts';

export interface Site {
  /** TypeScript that imports like a file in `folder`. Its exports are the page's global `bundle`. */
  source: string;
  /** `import.meta.dirname` of the test. */
  folder: string;
  /** Default true: the page has what browsers withhold over plain HTTP, such as WebCrypto. */
  secure?: boolean;
}

export interface TestBrowser {
  /**
   * Opens a page that has loaded the bundle, from its own origin. Its policy only runs that script, without
   * `eval`, and allows fetches from anywhere.
   *
   * When no Chromium can start, this skips the test of the context; in CI it fails the test.
   */
  open(context: TestContext, site: Site): Promise<Page>;
  /**
   * Opens an empty page. It trusts plain HTTP only on a loopback address; INSECURE_HOST is another name for
   * one.
   */
  blank(context: TestContext, options?: BrowserContextOptions): Promise<Page>;
  /** Opens an empty page that is closed with the process, for several tests to share. */
  lasting(context: TestContext, options?: BrowserContextOptions): Promise<Page>;
}

/** The test files of a process share it. Playwright ends it with the process. */
let launching: Promise<Browser> | undefined;

/** Gives the tests of a file a Chromium: the one from npm, or the one in the environment variable CHROMIUM_PATH. */
export function withBrowser(): TestBrowser {
  const servers: Server[] = [];
  let browser: Browser | undefined;
  let failure = '';
  beforeAll(async () => {
    try {
      launching ??= launch();
      browser = await launching;
    } catch (error) {
      failure = String(error);
    }
  }, 120_000);
  afterAll(() => {
    for (const server of servers) server.close();
  });
  async function lasting(context: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
    requirement(context, browser !== undefined, `No Chromium starts here: ${failure}`);
    if (!browser) throw new Error(failure);
    return await browser.newPage(options);
  }
  async function blank(context: TestContext, options?: BrowserContextOptions): Promise<Page> {
    const page = await lasting(context, options);
    // A page that stays open goes on to follow its coordinator, and takes time from those after it.
    context.onTestFinished(() => page.close());
    return page;
  }
  return {
    blank,
    lasting,
    async open(context, { secure = true, ...site }) {
      const page = await blank(context);
      const server = await serve(await bundle(site));
      servers.push(server);
      const { port } = server.address() as AddressInfo;
      await page.goto(`http://${secure ? '127.0.0.1' : INSECURE_HOST}:${port}/`);
      return page;
    },
  };
}

/** Browsers trust plain HTTP on a loopback address, and on no other name. */
export const INSECURE_HOST = 'insecure.test';

/** Returns the program of the Chromium from npm, or the one in the environment variable CHROMIUM_PATH. */
export async function chromiumPath(): Promise<string> {
  return process.env.CHROMIUM_PATH ?? join(await unpackChromium(), 'chromium');
}

async function launch(): Promise<Browser> {
  const executablePath = await chromiumPath();
  const rules = `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`;
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', rules] });
}

const MODULES = join(import.meta.dirname, '../node_modules');
const CACHE = join(MODULES, '.cache');
const UNPACK = `
  const { default: chromium } = await import('@sparticuz/chromium');
  await chromium.executablePath();
`;

/**
 * The package unpacks into the temporary folder, and takes any file there as complete. Tests start in
 * parallel, so each unpacks into its own draft, and the first one renames it.
 */
async function unpackChromium(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(MODULES, '@sparticuz/chromium/package.json'), 'utf8'));
  const lasting = join(CACHE, `chromium-${version}`);
  if (existsSync(lasting)) return lasting;
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(join(CACHE, 'chromium-draft-'));
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', UNPACK], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: draft },
  });
  try {
    await rename(draft, lasting);
  } catch {
    await rm(draft, { recursive: true });
  }
  return lasting;
}

async function bundle({ source, folder }: Site): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: folder, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'bundle',
    target: 'es2022',
  });
  return outputFiles.map(file => file.text).join('');
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><title>Test</title><body><script src="/bundle.js"></script>';
const POLICY = "default-src 'self'; connect-src *";

async function serve(script: string): Promise<Server> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/bundle.js';
    response
      .setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      .setHeader('content-security-policy', POLICY)
      .end(isScript ? script : PAGE);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
