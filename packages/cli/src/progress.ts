import type { Io, ProgressBar } from './io.ts';

/** How far the work is: so many rows more of a step, of all that it has. */
export interface StepProgress {
  step: keyof typeof LABELS;
  rows: number;
  all: number;
}

const LABELS = {
  export: 'Exporting',
  import: 'Importing',
  check: 'Checking',
};

/** Shows a bar for each step of the work, one after the other. */
export async function showSteps<T>(
  io: Io,
  work: (onProgress: (progress: StepProgress) => void) => Promise<T>,
): Promise<T> {
  let bar: ProgressBar | undefined;
  let shown: string | undefined;
  try {
    return await work(({ step, rows, all }) => {
      if (step !== shown) {
        bar?.stop();
        bar = io.progressBar(LABELS[step], all);
        shown = step;
      }
      bar?.advance(rows);
    });
  } finally {
    bar?.stop();
  }
}
