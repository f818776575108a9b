import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, measure } from '../evidence/measure.ts';
import { prompts } from '../evidence/populations.ts';
import { type Simulation, simulate } from '../evidence/simulate.ts';
import type { Progress } from './progress.ts';

/** What is measured, and what the test makes of miners that answer so. */
export interface EvidenceFigures extends Simulation {
  prompts: number;
  measured: Measured[];
}

export interface EvidenceOptions {
  /** The path of a model in GGUF, or of the JSON of an earlier run. */
  source: string;
  /** How many prompts are answered by each population. */
  prompts: number;
}

/** As many tokens as the answers of the measurement that the rules were chosen by. */
const TOKENS = 24;

/** Lets honest and cheating miners answer, reads their answers as verifiers do, and simulates lives of miners. */
export async function evidence(options: EvidenceOptions, progress: Progress): Promise<EvidenceFigures> {
  const { source } = options;
  const measured = source.endsWith('.json') ? readMeasured(source) : await measureAnswers(options, progress);
  progress('Simulating');
  return { ...simulate(measured), prompts: measured[0]?.answers.length ?? 0, measured };
}

async function measureAnswers(options: EvidenceOptions, progress: Progress): Promise<Measured[]> {
  const folder = join(import.meta.dirname, '../../node_modules/.cache/evidence');
  return await measure(
    { gguf: options.source, folder, prompts: prompts(options.prompts), tokens: TOKENS },
    progress,
  );
}

const readMeasured = (path: string): Measured[] => JSON.parse(readFileSync(path, 'utf8')).measured;
