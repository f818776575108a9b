import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addEvidence,
  EVIDENCE_RULES,
  EVIDENCE_TEST,
  type EvidenceRule,
  type EvidenceState,
  isEcho,
  judgeAnswer,
  RULE_TERMS,
  scoreAnswer,
  startEvidence,
  type TokenScore,
} from '../src/index.ts';

const RUNS = { numRuns: 60 };

/** A token that an honest miner drew from the verifier's distribution, with this much more or less than its mean. */
const token = (surplus: number, variance = 1): TokenScore => ({
  full: { logprob: surplus - 2, entropy: 2, variance },
  nucleus: { logprob: surplus - 1, entropy: 1, variance },
  below_best: 0.4,
});

test('an answer is summed up by the rule that its verifier could use', () => {
  const tokens = [...Array(30).fill(token(0.5)), ...Array(30).fill(token(-0.5))];
  const score = scoreAnswer(tokens, { temperature: 1 });
  expect(score).toEqual({
    ...{ rule: 'nucleus/1', tokens: 60, sum: 0, variance: 63, z: 0.755929, judgement: 'consistent' },
  });
  const withoutSampler = tokens.map(token => ({ ...token, nucleus: null }));
  expect(scoreAnswer(withoutSampler, { temperature: 1 })).toEqual({ ...score, rule: 'robust/1' });
  expect(scoreAnswer(tokens, { temperature: 0 })).toMatchObject({ rule: 'greedy/1', sum: -60 });
});

test('tokens that the sampler could not draw accuse an answer, but not a single one of them', () => {
  const outside: TokenScore = { ...token(0), nucleus: { logprob: null, entropy: 1, variance: 0 } };
  const sure = token(0, 0);
  const answer = (length: number, odd: number) =>
    scoreAnswer([...Array(length - odd).fill(sure), ...Array(odd).fill(outside)], { temperature: 1 });
  expect(answer(40, 1).judgement).toBe('consistent');
  expect(answer(40, 4).judgement).toBe('accused');
  expect(answer(5, 1)).toMatchObject({ tokens: 5, judgement: 'inconclusive' });
});

test('nothing is said of an answer without tokens, or by a rule that lacks its numbers', () => {
  const nothing = { tokens: 0, sum: 0, variance: 0, z: 0, judgement: 'inconclusive' };
  expect(scoreAnswer([], { temperature: 1 })).toMatchObject(nothing);
  const unknown = Array(30).fill({ ...token(0), nucleus: null });
  expect(scoreAnswer(unknown, { temperature: 1, rule: 'nucleus/1' })).toMatchObject(nothing);
  const state = startEvidence();
  expect(addEvidence(state, scoreAnswer([], { temperature: 1 }))).toBe(state);
  expect(judgeAnswer({ rule: 'robust/1', tokens: 3, sum: -1, variance: 0 })).toMatchObject(nothing);
});

test('sums do not depend on the order of tokens, and fall with each token that is less likely', () => {
  const surpluses = fc.array(fc.double({ min: -8, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(surpluses, fc.constantFrom(...EVIDENCE_RULES), (values, rule) => {
      const score = scoreAnswer(
        values.map(value => token(value)),
        { temperature: 1, rule },
      );
      const backwards = scoreAnswer(
        values.toReversed().map(value => token(value)),
        { temperature: 1, rule },
      );
      expect(backwards.sum).toBeCloseTo(score.sum, 5);
      const lower = scoreAnswer(
        values.map(value => token(value - 0.1)),
        { temperature: 1, rule },
      );
      expect(lower.sum).toBeLessThanOrEqual(score.sum);
      expect(score.sum).toBeGreaterThanOrEqual(-RULE_TERMS[rule].deepest * values.length);
      expect(judgeAnswer(score)).toEqual(score);
    }),
    RUNS,
  );
});

/** Outcomes of one token with probabilities, as a rule may meet them at an honest miner. */
const honestToken = fc
  .record({
    rule: fc.constantFrom<EvidenceRule>('nucleus/1', 'robust/1', 'greedy/1'),
    surpluses: fc.array(fc.double({ min: -5, max: 8, noNaN: true }), { minLength: 2, maxLength: 5 }),
    weights: fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
  })
  .map(({ rule, surpluses, weights }) => {
    const { slack, deepest } = RULE_TERMS[rule];
    const total = weights.slice(0, surpluses.length).reduce((sum, weight) => sum + weight, 0);
    const outcomes =
      rule === 'greedy/1'
        ? [
            { sum: -1, chance: slack },
            { sum: 0, chance: 1 - slack },
          ]
        : surpluses.map((sum, index) => ({ sum, chance: (weights[index] ?? 0) / total }));
    // Moved up until the mean is that of the worst honest miner.
    const missing = -slack - outcomes.reduce((mean, { sum, chance }) => mean + sum * chance, 0);
    const moved = outcomes.map(({ sum, chance }) => ({ sum: sum + Math.max(missing, 0), chance }));
    const variance = moved.reduce((mean, { sum, chance }) => mean + chance * (sum + slack) ** 2, 0);
    expect(Math.min(...moved.map(({ sum }) => sum))).toBeGreaterThanOrEqual(-deepest);
    // The test allows for a quarter more than the rule's variance.
    return { rule, variance: (variance + 1e-6) / 1.25, outcomes: moved };
  });

test('no honest answer raises the e-value on average, whatever came before', () => {
  const before = fc.array(
    fc.record({
      rule: fc.constantFrom(...EVIDENCE_RULES),
      tokens: fc.integer({ min: 1, max: 300 }),
      sum: fc.double({ min: -100, max: 50, noNaN: true }),
      variance: fc.double({ min: 1, max: 300, noNaN: true }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(before, honestToken, (history, { rule, variance, outcomes }) => {
      const state = history.reduce(
        (state, sums) => addEvidence(state, judgeAnswer(sums)),
        startEvidence() as EvidenceState,
      );
      const mean = outcomes.reduce((mean, { sum, chance }) => {
        const answer = { rule, tokens: 1, sum, variance, judgement: 'consistent' as const };
        return mean + chance * addEvidence(state, answer).e_value;
      }, 0);
      expect(mean).toBeLessThanOrEqual(state.e_value * (1 + 1e-5));
    }),
    { numRuns: 200 },
  );
});

const honest = judgeAnswer({ rule: 'nucleus/1', tokens: 100, sum: -2, variance: 100 });
const false_ = judgeAnswer({ rule: 'nucleus/1', tokens: 100, sum: -70, variance: 100 });

function after(answers: readonly Parameters<typeof addEvidence>[1][]): EvidenceState {
  return answers.reduce((state, answer) => addEvidence(state, answer), startEvidence() as EvidenceState);
}

test('a miner that begins to cheat after thousands of honest answers is found as one that always did', () => {
  const turned = after([...Array(5_000).fill(honest)]);
  expect(turned).toMatchObject({ judgement: 'consistent', answers: 5_000, accused_by: null });
  expect(turned.e_value).toBeLessThan(1);
  const [fresh, late] = [startEvidence(), turned].map(start => {
    let [state, count] = [start, 0];
    while (state.e_value <= EVIDENCE_TEST.accusing) {
      state = addEvidence(state, { ...false_, judgement: 'consistent' });
      count++;
    }
    return count;
  });
  expect(fresh).toBe(3);
  expect(late).toBe(7);
});

test('a miner that cheats in a fifth of its answers is accused, by the e-value alone too', () => {
  const some = Array.from({ length: 60 }, (_, index) => (index % 5 === 0 ? false_ : honest));
  expect(after(some)).toMatchObject({ judgement: 'accused', accused_by: 'alone' });
  const state = after(some.map(answer => ({ ...answer, judgement: 'consistent' as const })));
  expect(state).toMatchObject({ judgement: 'accused', accused_by: 'e_value' });
});

test('no single answer accuses a miner, and no two', () => {
  const awful = judgeAnswer({ rule: 'robust/1', tokens: 10_000, sum: -50_000, variance: 500 });
  expect(after([awful]).judgement).toBe('inconclusive');
  expect(after([awful, awful]).judgement).toBe('inconclusive');
  expect(after([awful, awful, awful]).judgement).toBe('accused');
});

test('the state is JSON, keeps an accusation, and forgets answers accused alone after twenty', () => {
  const state = after([false_, honest, false_, ...Array(16).fill(honest)]);
  expect(state).toMatchObject({ accused_alone_of_last_20: 2, alone: [1, 3], accused_by: null });
  expect(addEvidence(addEvidence(state, honest), honest).alone).toEqual([3]);
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  const accused = addEvidence(state, false_);
  expect(after([])).toEqual(startEvidence());
  expect(accused).toMatchObject({ judgement: 'accused', accused_by: 'alone' });
  let later = accused;
  for (let count = 0; count < 50; count++) later = addEvidence(later, honest);
  expect(later).toMatchObject({ judgement: 'accused', accused_by: 'alone', alone: [] });
});

test('an echo is told by its text', () => {
  const prompt =
    'The Silk Road was a network of routes. It connected China with the Mediterranean for centuries.';
  expect(isEcho(prompt, 'it connected China  with the Mediterranean\nfor centuries.')).toBe(true);
  expect(isEcho(prompt, 'Sure! It connected China with the Mediterranean for centuries.')).toBe(true);
  expect(isEcho(prompt, 'Merchants carried silk to the west and glass to the east of the continent.')).toBe(
    false,
  );
  expect(isEcho(prompt, 'China')).toBe(false);
  expect(isEcho('', '')).toBe(false);
});
