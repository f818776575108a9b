import type { Judgement } from '@aitbc/protocol';

/** What happens in a verifier. */
export type VerifierEvent =
  | { event: 'verifying'; verifier_id: string; weights: string; engine: string }
  | { event: 'disconnected'; error: string }
  | { event: 'reconnected' }
  | {
      event: 'answer_read';
      verification_id: string;
      model: string;
      tokens: number;
      seconds: number;
      /** `null` while another verifier has to read the answer too. */
      judgement: Judgement | null;
    }
  /** The answer can't be scored here. The coordinator was told why. */
  | { event: 'answer_failed'; verification_id: string; error: string }
  /** The coordinator no longer waits for this answer's scores, or could not be told. */
  | { event: 'answer_lost'; verification_id: string; error: string }
  | { event: 'stopping'; timeout_seconds: number }
  | { event: 'stopped'; read: number };

export type VerifierEventHandler = (event: VerifierEvent) => void;
