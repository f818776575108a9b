import type { TokenScore } from '@aitbc/evidence';
import type { VerificationTask, VerifierEngine } from '@aitbc/protocol';

/** A model that reads answers. */
export interface AnswerReader {
  engine: VerifierEngine;
  /** What identifies the weights, as in passports. */
  weights: string;
  /**
   * Scores the tokens of an answer in order, with the one that ended it.
   *
   * @throws {BackendError} when the answer can not be scored with this model
   */
  read(task: VerificationTask, signal: AbortSignal): Promise<TokenScore[]>;
  close(): Promise<void>;
}
