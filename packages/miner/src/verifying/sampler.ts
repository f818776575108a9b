/* How a job's tokens were drawn, as far as its effective parameters tell. */

export interface KnownSampler {
  /** 0: no limit. */
  top_k: number;
  top_p: number;
  min_p: number;
}

type Parameters = Readonly<Record<string, unknown>>;

/** Parameters that change the distribution itself, so that the verifier does not compute what was drawn from. */
const NEUTRAL: Readonly<Record<string, number>> = {
  repeat_penalty: 1,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
};

/** Returns the temperature of a job, or nothing if it is not known. */
export function temperatureOf({ temperature }: Parameters): number | undefined {
  return typeof temperature === 'number' && temperature >= 0 ? temperature : undefined;
}

/** Returns the sampler, or `null` where it is not known: a limit is not stated, or a penalty applied. */
export function samplerOf(parameters: Parameters): KnownSampler | null {
  const { top_k, top_p, min_p } = parameters;
  if (typeof top_k !== 'number' || typeof top_p !== 'number' || typeof min_p !== 'number') return null;
  const isChanged = Object.entries(NEUTRAL).some(
    ([name, neutral]) => typeof parameters[name] === 'number' && parameters[name] !== neutral,
  );
  return isChanged ? null : { top_k: Math.max(top_k, 0), top_p, min_p };
}
