import type { Ids } from '../../ids.ts';
import type { Directory } from '../../miners/directory.ts';
import type { SpotCheck } from './spot-checks.ts';

/**
 * Draws which completions are checked: all of a miner on probation, of others a share by chance. It is drawn before
 * anything is known of the job, so that nobody can tell which ones are.
 *
 * @param share from 0 to 1
 */
export function createSpotCheckDraw(
  share: number,
  ids: Ids,
  directory: Pick<Directory, 'isOnProbation'>,
): (minerId: string) => SpotCheck | undefined {
  const isDrawn = () => share > 0 && Number.parseInt(ids.hex(6), 16) / 2 ** 48 < share;
  const run = () => ({ id: ids.next('job'), salt: ids.hex(16) });
  return minerId => {
    if (!directory.isOnProbation(minerId) && !isDrawn()) return undefined;
    return { check: run(), referee: run() };
  };
}
