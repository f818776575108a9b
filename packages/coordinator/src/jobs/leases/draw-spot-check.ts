import { localAddress } from '../../accounts/accounts.ts';
import type { Ids } from '../../ids.ts';
import type { Directory } from '../../miners/directory.ts';
import type { SpotCheck } from '../../store/topics.ts';

interface SpotCheckPolicy {
  /** The share of completions, from 0 to 1. */
  share: number;
  coordinatorId: string;
}

/**
 * Returns a function that decides whether a completion is checked: always for a miner on probation, otherwise by
 * chance. It decides before anything about the job is known, so that nobody can predict it.
 */
export function createSpotCheckDraw(
  { share, coordinatorId }: SpotCheckPolicy,
  ids: Ids,
  directory: Pick<Directory, 'isOnProbation'>,
): (minerId: string) => SpotCheck | undefined {
  const payer = localAddress(coordinatorId, 'spot-checks');
  const isDrawn = () => share > 0 && Number.parseInt(ids.hex(6), 16) / 2 ** 48 < share;
  const newTrace = () => ({ traceId: ids.hex(16), spanId: ids.hex(8) });
  const run = () => ({ id: ids.next('job'), salt: ids.hex(16), ...newTrace() });
  return minerId => {
    if (!directory.isOnProbation(minerId) && !isDrawn()) return undefined;
    return { check: run(), referee: run(), payer };
  };
}
