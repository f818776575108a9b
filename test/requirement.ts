import type { TestContext } from 'vitest';

/**
 * For tests that need something that npm can not install. When it is missing, the test is skipped with the
 * reason; in CI it fails.
 */
export function requirement(context: TestContext, found: boolean, missing: string): void {
  if (found) return;
  if (process.env.CI) throw new Error(`CI lacks something: ${missing}`);
  context.skip(missing);
}
