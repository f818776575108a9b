import type { Io, ProgressBar } from './io.ts';

/** The progress of the work: `by` more units of a step that has `all` units. */
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

/** Shows a progress bar for each step of the work, one after the other. */
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
