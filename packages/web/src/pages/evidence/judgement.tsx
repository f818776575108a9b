import type { Judgement, VerificationStatement } from '@aitbc/sdk';
import { Status, type Tone } from '../../components/status/status.tsx';
import { formatCount, formatRate } from '../../format/numbers.ts';

const TONES: Record<Judgement, Tone> = { consistent: 'good', accused: 'bad', inconclusive: 'quiet' };

export const JudgementMark = ({ judgement }: { judgement: Judgement }) => (
  <Status tone={TONES[judgement]}>{judgement}</Status>
);

/** The choices of a list that is filtered by judgement. */
export const JUDGEMENT_CHOICES = [
  ['', 'All'],
  ...Object.keys(TONES).map(judgement => [judgement, judgement] as const),
] as const;

export const isJudgement = (judgement: string | undefined): judgement is Judgement =>
  judgement !== undefined && Object.hasOwn(TONES, judgement);

export const REASONS: Record<NonNullable<VerificationStatement['reason']>, string> = {
  not_text: 'it has tools, images, a grammar, hidden reasoning or no text',
  erased: 'prompt or answer are erased',
  no_weights: 'the passport names no weights',
  no_parameters: 'the miner did not tell its sampling parameters',
  expired: 'no verifier came in time',
  failed: 'no verifier could score it',
  too_short: 'it has too few tokens',
  echo: 'it is copied from the prompt',
  verifiers_differ: 'a second verifier did not confirm the accusation',
};

export const CAUSES: Record<VerificationStatement['cause'], string> = {
  drawn: 'drawn by chance',
  canary: 'a job of the operator, to test the miner',
  difference: 'another miner’s text differed at temperature 0',
  confirmation: 'a second verifier’s reading',
  control: 'the right judgement is known, and the verifier is tested',
  appeal: 'the owner of the miner asked for it',
};

/** What an honest miner's mean of a token is at least. */
const HONEST_MEAN = { 'nucleus/1': '-0.1 nat', 'robust/1': '-0.1 nat', 'greedy/1': '-0.02' } as const;

/** The mean number of a token by the rule, in words. */
export function describeMean({ rule, sum, tokens }: VerificationStatement): string {
  if (rule === null || tokens === 0) return 'not scored';
  const mean = (sum / tokens).toFixed(2);
  return `${mean} by ${rule}, over ${formatCount(tokens)} tokens; an honest mean is at least ${HONEST_MEAN[rule]}`;
}

/** E-values grow without a bound. */
export function formatEvidence(value: number): string {
  if (value < 0.01) return 'under 0.01';
  return value > 1_000_000 ? 'over 1,000,000' : formatRate(value);
}
