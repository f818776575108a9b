import type {
  ClaimVerification,
  FailVerification,
  VerificationOutcome,
  VerificationScores,
  VerificationTask,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** Answers that verifiers read, to tell whether they come from the model that was asked for. */
export class Verifications extends Resource {
  /**
   * Returns an answer to read, or `null` when none came within `wait` seconds. It is not retried when an answer is lost,
   * because the verification is leased already.
   */
  async claim(claim: ClaimVerification, options?: RequestOptions): Promise<VerificationTask | null> {
    const { wait } = claim;
    const call = { method: 'POST', path: '/v1/verifications/claim', body: claim, wait } as const;
    return (await this.requests.send<VerificationTask | undefined>(call, options)) ?? null;
  }

  /** Posts what the verifier's model says of each token. Repeating it changes nothing. */
  submitScores(
    verificationId: string,
    scores: VerificationScores,
    options?: RequestOptions,
  ): Promise<VerificationOutcome> {
    return this.requests.post(`/v1/verifications/${id(verificationId)}/scores`, scores, options);
  }

  /** Gives back an answer that the verifier can't score. */
  fail(
    verificationId: string,
    failure: FailVerification,
    options?: RequestOptions,
  ): Promise<VerificationOutcome> {
    return this.requests.post(`/v1/verifications/${id(verificationId)}/fail`, failure, options);
  }
}
