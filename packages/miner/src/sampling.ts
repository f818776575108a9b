import { createHash } from 'node:crypto';
import { EffectiveParameters, type JobParams, type MinerJob, type Sampler } from '@aitbc/protocol';

/** A parameter of sampling that an engine may take. */
export type SamplingName = Exclude<keyof EffectiveParameters, 'max_tokens'>;

export const SAMPLER_NAMES = [
  ...(['temperature', 'top_p', 'top_k', 'min_p'] as const),
  ...(['repeat_penalty', 'presence_penalty', 'frequency_penalty'] as const),
];

export interface PinnedParameters {
  /** The job's parameters, with those that it left out. */
  params: JobParams;
  /** What applies, for the completion. */
  effective: EffectiveParameters;
}

/**
 * Adds to a job's parameters those that it left out, so that the engine's own defaults don't matter: the defaults of the
 * passport, and a seed that follows from job and attempt.
 *
 * @param takes the parameters that the engine takes
 */
export function pinParameters(
  { job_id, attempt, params }: Pick<MinerJob, 'job_id' | 'attempt' | 'params'>,
  takes: readonly SamplingName[],
  defaults: Sampler | undefined,
): PinnedParameters {
  const added: Record<string, number> = {};
  const effective: Record<string, number> = {};
  for (const name of [...SAMPLER_NAMES, 'seed'] as const) {
    const given = givenIn(params, name);
    const value = given ?? (takes.includes(name) ? defaultFor(name, defaults, job_id, attempt) : undefined);
    if (value === undefined) continue;
    if (given === undefined) added[name] = value;
    if ((takes.includes(name) || name === 'seed') && isWithin(name, value)) effective[name] = value;
  }
  const { max_tokens } = params;
  if (max_tokens !== undefined && isWithin('max_tokens', max_tokens)) effective.max_tokens = max_tokens;
  return { params: { ...params, ...added }, effective };
}

function givenIn(params: JobParams, name: SamplingName): number | undefined {
  // vLLM's name of it.
  const value = params[name] ?? (name === 'repeat_penalty' ? params.repetition_penalty : undefined);
  // llama.cpp and Ollama take -1 for a random seed.
  return typeof value === 'number' && !(name === 'seed' && value === -1) ? value : undefined;
}

function defaultFor(
  name: SamplingName,
  defaults: Sampler | undefined,
  jobId: string,
  attempt: number,
): number | undefined {
  return name === 'seed' ? seedOf(jobId, attempt) : defaults?.[name];
}

/** Returns the seed of an attempt without one: the first 31 bits of SHA-256(`JOB:ATTEMPT`). */
export const seedOf = (jobId: string, attempt: number): number =>
  createHash('sha256').update(`${jobId}:${attempt}`).digest().readUInt32BE(0) >>> 1;

/** Whether a completion may state the value. Clients may ask engines for others. */
function isWithin(name: keyof EffectiveParameters, value: number): boolean {
  const { minimum, maximum, type } = Object(EffectiveParameters.properties[name]);
  if (!Number.isFinite(value) || (type === 'integer' && !Number.isSafeInteger(value))) return false;
  return value >= minimum && value <= maximum;
}

/** Returns the known values of a sampler, rounded to 6 decimals: engines tell 32-bit floats. */
export function samplerFrom(told: Partial<Record<keyof Sampler, unknown>>): Sampler | undefined {
  const known = SAMPLER_NAMES.flatMap(name => {
    const value = told[name];
    if (typeof value !== 'number') return [];
    // Below 1, engines take all tokens.
    const rounded = name === 'top_k' ? Math.max(0, value) : Number(value.toFixed(6));
    return isWithin(name, rounded) ? [[name, rounded]] : [];
  });
  return known.length === 0 ? undefined : (Object.fromEntries(known) as Sampler);
}
