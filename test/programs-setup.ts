import type { TestProject } from 'vitest/node';
import { buildPrograms, type Programs, programs } from './programs.ts';
import { removeFilesInMemory } from './temporary-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    programs: Programs;
  }
}

/** Builds the programs and threads that tests start. */
export async function setup(project: TestProject): Promise<() => void> {
  await buildPrograms();
  const { folder: _, ...built } = programs();
  project.provide('programs', built);
  // Teardowns run in reverse order, and PostgreSQL must have stopped by then.
  return removeFilesInMemory;
}
