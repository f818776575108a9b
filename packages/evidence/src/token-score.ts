/**
 * What a verifier says about one token of an answer, after one reading of the prompt and the answer with the weights that
 * the answer is said to come from. Logarithms are natural, so the unit is nats.
 */
export interface TokenScore {
  /** Over the whole vocabulary, at the job's temperature; at temperature 1 when the job's is 0. */
  full: { logprob: number; entropy: number; variance: number };
  /**
   * Over the tokens that the job's sampler could have drawn (top_k, top_p, min_p), if the sampler is known. `logprob` is
   * null when the sampler could not have drawn this token.
   */
  nucleus: { logprob: number | null; entropy: number; variance: number } | null;
  /** How far the token's log-probability at temperature 1 is below that of the verifier's best token; 0 or more. */
  below_best: number;
}
