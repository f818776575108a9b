import type { TestProject } from 'vitest/node';
import { buildWebApp } from '../packages/web/build.ts';
import { buildPrograms, type Programs, programs } from './programs.ts';
import { removeFilesInMemory } from './temporary-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    programs: Programs;
  }
}

/** Builds the programs that tests start, and the web app that coordinators serve. */
export async function setup(project: TestProject): Promise<() => void> {
  await Promise.all([buildPrograms(), buildWebApp()]);
  const { folder: _, ...built } = programs();
  project.provide('programs', built);
  // Teardowns run in reverse order, and PostgreSQL must have stopped by then.
  return removeFilesInMemory;
}
