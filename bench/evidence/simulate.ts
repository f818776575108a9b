import {
  type AnswerScore,
  addEvidence,
  type EvidenceRule,
  type EvidenceState,
  scoreAnswer,
  startEvidence,
} from '../../packages/evidence/src/index.ts';
import type { Measured } from './measure.ts';
import { createRandom } from './texts.ts';

/*
 * Miners that answer again and again, each time with one of the measured answers of their population, and what the test
 * over their answers makes of them.
 */

/** What is found of one population by one rule. */
export interface PopulationResult {
  temperature: number;
  population: string;
  honest: boolean;
  rule: EvidenceRule;
  /** The mean of the rule, for each token. */
  mean: number;
  /** The share of answers that are accused alone. */
  alone: number;
  always: Caught;
  /** The miner cheats in a fifth of its answers, and is honest in the others. */
  fifth: Caught | null;
  /** The miner cheats always, and half of its answers are read by verifiers that pretend. */
  colluding: Caught | null;
}

export interface Caught {
  /** The share of miners that are accused within 30 verified answers, and within MOST. */
  within30: number;
  ever: number;
  /** Verified answers until half of the miners, and nine tenths, are accused; `null` if they are not within MOST. */
  half: number | null;
  most: number | null;
}

export interface HonestLife {
  temperature: number;
  rule: EvidenceRule;
  miners: number;
  /** Verified answers of each. */
  answers: number;
  accused: { e_value: number; alone: number };
}

export interface Simulation {
  populations: PopulationResult[];
  lives: HonestLife[];
}

const MOST = 300;

export function simulate(measured: readonly Measured[], { miners = 200, life = 2_000 } = {}): Simulation {
  const random = createRandom(1);
  const pools = measured.flatMap(group => {
    const rules: (EvidenceRule | undefined)[] =
      group.setting.temperature === 0 ? [undefined] : [undefined, 'robust/1'];
    return rules.flatMap(rule => {
      const scores = group.answers.map(tokens => scoreAnswer(tokens, { ...group.setting, rule }));
      const [first] = scores;
      // Where no sampler is known, the default is the robust rule itself.
      return first === undefined || (rule === undefined && first.rule === 'robust/1')
        ? []
        : [{ ...group, ...group.setting, rule: first.rule, scores }];
    });
  });
  const honestOf = (pool: (typeof pools)[number]) =>
    pools
      .filter(
        ({ honest, temperature, rule }) => honest && temperature === pool.temperature && rule === pool.rule,
      )
      .flatMap(({ scores }) => scores);
  const populations = pools.map(pool => {
    const { temperature, population, honest, rule, scores } = pool;
    const good = honestOf(pool);
    const caught = (draw: () => AnswerScore | undefined) => caughtBy(miners, draw);
    const cheat = () => pick(scores, random);
    return {
      ...{ temperature, population, honest, rule },
      mean: total(scores.map(({ sum }) => sum)) / total(scores.map(({ tokens }) => tokens)),
      alone: scores.filter(({ judgement }) => judgement === 'accused').length / scores.length,
      always: caught(cheat),
      fifth: honest ? null : caught(() => (random() < 0.2 ? cheat() : pick(good, random))),
      colluding: honest ? null : caught(() => (random() < 0.5 ? cheat() : pick(good, random))),
    };
  });
  const honest = pools.filter(({ honest }) => honest);
  const lives = [
    ...Map.groupBy(honest, ({ temperature, rule }) => `${temperature} ${rule}`).values(),
  ].flatMap(([pool]) => (pool ? [lifeOf(pool, honestOf(pool), { miners, answers: life, random })] : []));
  return { populations, lives };
}

function lifeOf(
  { temperature, rule }: { temperature: number; rule: EvidenceRule },
  scores: readonly AnswerScore[],
  { miners, answers, random }: { miners: number; answers: number; random: () => number },
): HonestLife {
  const accused = { e_value: 0, alone: 0 };
  for (let miner = 0; miner < miners; miner++) {
    const { state } = liveUntil(answers, () => pick(scores, random));
    if (state.accused_by) accused[state.accused_by]++;
  }
  return { temperature, rule, miners, answers, accused };
}

function caughtBy(miners: number, draw: () => AnswerScore | undefined): Caught {
  const after = Array.from({ length: miners }, () => liveUntil(MOST, draw))
    .map(({ state }) => (state.accused_by ? state.answers : Number.POSITIVE_INFINITY))
    .sort((a, b) => a - b);
  const at = (share: number) => {
    const answers = after[Math.ceil(share * miners) - 1] ?? Number.POSITIVE_INFINITY;
    return Number.isFinite(answers) ? answers : null;
  };
  const share = (most: number) => after.filter(answers => answers <= most).length / miners;
  return { within30: share(30), ever: share(MOST), half: at(0.5), most: at(0.9) };
}

/** Adds answers until the miner is accused, at most so many. */
function liveUntil(most: number, draw: () => AnswerScore | undefined): { state: EvidenceState } {
  let state = startEvidence();
  for (let answer = 0; answer < most && !state.accused_by; answer++) {
    const score = draw();
    if (score) state = addEvidence(state, score);
  }
  return { state };
}

const pick = <T>(values: readonly T[], random: () => number): T | undefined =>
  values[Math.floor(random() * values.length)];

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
