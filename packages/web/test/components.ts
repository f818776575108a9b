import { globSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Locator, Page } from 'playwright-core';
import type { TestContext } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { PREACT } from '../preact.ts';

/*
 * Shows components one by one, outside of the app, in a real browser. What is shown is a story: a function without
 * parameters, exported by `NAME.stories.tsx` beside the component. The stories are bundled once for a process, and all of its
 * tests share one tab.
 */

export interface Components {
  /** Shows a story in place of the one before, and returns where it is. */
  show(context: TestContext, story: string): Promise<{ page: Page; story: Locator }>;
}

/** For `expect.poll`, which gives up after a second otherwise. */
export const PATIENT = { timeout: 30_000 } as const;

const SOURCES = join(import.meta.dirname, '../src');
const LOOKS = { locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce' } as const;
const ADDRESS = 'http://localhost/stories';

let opening: Promise<Page> | undefined;

/** @param file of the stories in `src`, without its ending: `components/pager/pager` */
export function withComponents(file: string): Components {
  const browser = withBrowser();
  return {
    async show(context, story) {
      opening ??= open(await browser.lasting(context, LOOKS));
      const page = await opening;
      await page.evaluate(`stories.show(${JSON.stringify(file)}, ${JSON.stringify(story)})`);
      return { page, story: page.locator('#story') };
    },
  };
}

/** Everything comes from here. The address is one that browsers trust, so that there is a clipboard. */
async function open(page: Page): Promise<Page> {
  const { script, style } = await bundle();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.route('**/*', async route => {
    const { pathname } = new URL(route.request().url());
    if (pathname.endsWith('.js')) await route.fulfill({ contentType: 'text/javascript', body: script });
    else if (pathname.endsWith('.css')) await route.fulfill({ contentType: 'text/css', body: style });
    else await route.fulfill({ contentType: 'text/html', body: PAGE });
  });
  await page.goto(ADDRESS);
  return page;
}

const PAGE = `<!doctype html>
<html lang="en" data-theme="light">
<title>Stories</title>
<link rel="stylesheet" href="/stories.css">
<main><h1>Stories</h1><div id="story"></div></main>
<script src="/stories.js"></script>`;

async function bundle(): Promise<{ script: string; style: string }> {
  const files = globSync('**/*.stories.tsx', { cwd: SOURCES }).map(file => file.replaceAll('\\', '/'));
  const entry = [
    `import './styles/base.css';`,
    ...files.map((file, index) => `import * as stories${index} from './${file}';`),
    `import { createShow } from '../test/show-story.tsx';`,
    `export const show = createShow({`,
    ...files.map((file, index) => `${JSON.stringify(file.replace('.stories.tsx', ''))}: stories${index},`),
    `});`,
  ];
  const { outputFiles } = await build({
    stdin: { contents: entry.join('\n'), resolveDir: SOURCES, loader: 'ts' },
    plugins: [withPreact],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'stories',
    outfile: 'stories.js',
    target: 'es2022',
    jsx: 'automatic',
    conditions: ['development'],
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return { script: textOf('.js'), style: textOf('.css') };
}

const withPreact: Plugin = {
  name: 'preact',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^react(-dom)?(\/|$)/ }, async ({ path, ...options }) => {
      const replacement = PREACT[path];
      return replacement === undefined ? undefined : await resolve(replacement, options);
    });
  },
};
