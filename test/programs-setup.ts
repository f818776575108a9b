import type { TestProject } from 'vitest/node';
import { buildPrograms, type Programs, programs } from './programs.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    programs: Programs;
  }
}

/** Builds the programs and threads that tests start. */
export async function setup(project: TestProject): Promise<void> {
  await buildPrograms();
  const { folder: _, ...built } = programs();
  project.provide('programs', built);
}
