import { done, type Operation } from '../store/operation.ts';
import type { JobRow } from './job.ts';

export interface EraseTerms {
  /** Texts stay so long after their job has ended, in ms; 0: for ever. */
  retentionMs: number;
}

/** Few, since each may have a megabyte of text, and other writes wait for as long as this takes. */
const AT_ONCE = 100;

const DUE = `SELECT * FROM job WHERE completed_at <= ? AND erased_at IS NULL ORDER BY completed_at LIMIT ${AT_ONCE}`;

/**
 * Erases the texts of jobs that ended too long ago: prompt, params, metadata, result, usage. The job stays, with the
 * salt that opens its receipt's hashes for whoever has kept the texts. Answers whether another step has something to do.
 */
export function eraseTexts({ retentionMs }: EraseTerms): Operation<undefined, { more: boolean }> {
  return {
    name: 'jobs.erase',
    order: 70,
    async apply(inputs, { tx, now }) {
      const due = retentionMs === 0 ? [] : await tx.query<JobRow>(DUE, [now - retentionMs]);
      const ids = due.map(job => job.id);
      await tx.delete('job_input', 'job_id', ids);
      await tx.delete('job_output', 'job_id', ids);
      await tx.update(
        'job',
        'id',
        ['erased_at'],
        due.map(job => ({ ...job, erased_at: now })),
      );
      return inputs.map(() => done({ more: due.length === AT_ONCE }));
    },
  };
}
