import type { Io, ProgressBar } from './io.ts';

/** How far the work is: `by` more of a step, in what `all` of it is counted in. */
export interface StepProgress {
  step: keyof typeof LABELS;
  by: number;
  all: number;
}

const LABELS = {
  export: 'Exporting',
  import: 'Importing',
  check: 'Checking',
  backup: 'Copying',
  verify: 'Verifying',
};

/** Shows a bar for each step of the work, one after the other. */
export async function showSteps<T>(
  io: Io,
  work: (onProgress: (progress: StepProgress) => void) => Promise<T>,
): Promise<T> {
  let bar: ProgressBar | undefined;
  let shown: string | undefined;
  try {
    return await work(({ step, by, all }) => {
      if (step !== shown) {
        bar?.stop();
        bar = io.progressBar(LABELS[step], all);
        shown = step;
      }
      bar?.advance(by);
    });
  } finally {
    bar?.stop();
  }
}
