import type { MinerDetail } from '@aitbc/sdk';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Id } from '../../components/id/id.tsx';
import { Panel } from '../../components/panel/panel.tsx';

type Model = MinerDetail['models'][number];
type Passport = NonNullable<Model['passport']>;

/** What members are called, in their order. */
const NAMES = {
  quantization: 'Quantization',
  engine: 'Engine',
  build: 'Build',
  context_length: 'Context',
  kv_cache_type: 'KV cache',
  tokenizer: 'Tokenizer',
  chat_template: 'Chat template',
} as const;

const SOURCES = {
  hashed: 'hashed by the agent',
  engine: 'told by the engine',
  claimed: 'claimed by the owner',
} as const;

/** What a miner has signed about each of its models, where it has. */
export function Passports({ models }: { models: readonly Model[] }) {
  return models.map(({ model, passport }) =>
    passport ? <PassportPanel key={model} model={model} passport={passport} /> : null,
  );
}

function PassportPanel({ model, passport }: { model: string; passport: Passport }) {
  const { digest, weights, sampler } = passport;
  return (
    <Panel title={`Passport of ${model}`} flush>
      <Facts>
        <Fact name="Digest" hint="in the receipts of its answers">
          <Id value={digest} what="digest" whole />
        </Fact>
        {weights ? (
          <Fact name="Weights" hint={SOURCES[weights.source]}>
            <Id value={weights.value} what="weights" whole />
          </Fact>
        ) : null}
        {Object.entries(NAMES).map(([name, label]) => {
          const member = passport[name as keyof typeof NAMES];
          return member ? (
            <Fact key={name} name={label} hint={SOURCES[member.source]}>
              {String(member.value)}
            </Fact>
          ) : null;
        })}
        {sampler ? (
          <Fact name="Sampling" hint={`defaults, ${SOURCES[sampler.source]}`}>
            {Object.entries(sampler.value)
              .map(([name, value]) => `${name} ${value}`)
              .join(', ')}
          </Fact>
        ) : null}
      </Facts>
    </Panel>
  );
}
