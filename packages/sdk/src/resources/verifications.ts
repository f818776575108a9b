import type {
  AppealVerification,
  ClaimVerification,
  DisclosedScores,
  FailVerification,
  ListVerifications,
  PublishedVerification,
  VerificationOutcome,
  VerificationScores,
  VerificationStatement,
  VerificationTask,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type ProofOptions, waitForProof } from '../wait.ts';

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

  /** Lists what verifiers found, newest first: all, of one miner, or of a judgement. */
  list(query: ListVerifications = {}, options?: RequestOptions): Paged<VerificationStatement> {
    return this.requests.list('/v1/verifications', query, options);
  }

  /**
   * Returns what a verifier found, with its place in the ledger once it is published.
   *
   * @throws {NotFoundError} VERIFICATION_NOT_FOUND while the verification has not ended
   */
  get(verificationId: string, options?: RequestOptions): Promise<PublishedVerification> {
    return this.requests.get(`/v1/verifications/${id(verificationId)}`, options);
  }

  /**
   * Returns the numbers of all tokens. Requires an API key of the miner's owner, of the job's client or of an administrator.
   *
   * @throws {NotFoundError} VERIFICATION_NOT_FOUND when there are none that this key may see
   */
  scores(verificationId: string, options?: RequestOptions): Promise<DisclosedScores> {
    return this.requests.get(`/v1/verifications/${id(verificationId)}/scores`, options);
  }

  /**
   * Has another verifier read an accused answer again. Requires an API key of the miner's owner. Repeating it returns the
   * same appeal.
   *
   * @param appeal `reason` is ASCII, and public
   * @throws {ConflictError} VERIFICATION_NOT_APPEALABLE when the verification counts against nobody
   */
  appeal(
    verificationId: string,
    appeal: AppealVerification = {},
    options?: RequestOptions,
  ): Promise<VerificationOutcome> {
    return this.requests.post(`/v1/verifications/${id(verificationId)}/appeal`, appeal, options);
  }

  /**
   * Returns a `.tlog-proof` file of the verification, as `receipts.proof` does for a receipt.
   *
   * @throws {NotFoundError} VERIFICATION_NOT_FOUND with a `retryAfter` while it is not published
   */
  proof(verificationId: string, options?: RequestOptions): Promise<string> {
    const path = `/v1/verifications/${id(verificationId)}/proof`;
    return this.requests.send({ path, as: 'text', fresh: true }, options);
  }

  /**
   * Returns the proof as soon as the ledger has published the verification.
   *
   * @throws {TimeoutError} when it is not published in time
   */
  waitForProof(verificationId: string, options: ProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.proof(verificationId, { signal });
    return waitForProof(get, this.requests.settings, verificationId, options);
  }
}
