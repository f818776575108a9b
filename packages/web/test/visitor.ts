import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, type TestContext } from 'vitest';
import type { TestBrowser } from '../../../test/browser.ts';

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export interface VisitorOptions {
  theme?: Theme;
  /** In CSS pixels. */
  width?: number;
  height?: number;
  /** An API key that the visitor has signed in with. */
  key?: string;
}

/** A browser that has opened the app, and what went wrong in it. */
export interface Visitor {
  page: Page;
  /** Errors of scripts, of the policy, and answers that are errors of the coordinator itself. */
  faults: string[];
}

/** Opens the app as a visitor does, with a language, a time zone and no motion, so that pages are the same everywhere. */
export async function visit(
  browser: TestBrowser,
  context: TestContext,
  address: string,
  { theme = 'light', width = 1280, height = 860, key }: VisitorOptions = {},
): Promise<Visitor> {
  const page = await browser.blank(context, {
    ...{ colorScheme: theme, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce' },
    viewport: { width, height },
  });
  if (key !== undefined) await page.addInitScript(key => sessionStorage.setItem('aitbc.key', key), key);
  const faults: string[] = [];
  page.on('pageerror', error => faults.push(error.message));
  page.on('console', message => message.type() === 'error' && faults.push(message.text()));
  page.on('response', response => response.status() >= 500 && faults.push(response.url()));
  await page.goto(address);
  await page.locator('main h1').waitFor();
  return { page, faults };
}

/** Waits until nothing on the page is loading. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    Array.from(document.querySelectorAll('[role=status]')).every(
      status => !status.textContent?.includes('Loading'),
    ),
  );
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** Goes to another page of the app in the same tab, which has the app in its cache. */
export async function goTo(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator('main h1').waitFor();
}

/** Fails where axe finds what keeps somebody from using the page, by all its rules unless `rules` names some. */
export async function expectAccessible(page: Page, what: string, rules?: readonly string[]): Promise<void> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const options = JSON.stringify(rules ? { runOnly: rules } : {});
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${options})`);
  const found = violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html)]);
  expect(found, what).toEqual([]);
}
