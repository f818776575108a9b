import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that start processes, browsers or Python, and take the longest, whatever their size. */
const LONG = /^test\/|^packages\/web\/|^examples\/|\/(crash|replicas|invariants)\//;

/**
 * Starts with the files that take the longest, so that no worker is left alone with one at the end. Vitest orders files by
 * how long they took before, and by their size where it does not know that, as in a fresh checkout.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(relative(this.ctx.config.root, moduleId));
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))];
  }
}
