import type { OfferedModel } from '@aitbc/sdk';
import { formatCount, formatCredits, formatDuration, formatRate } from '../../format/numbers.ts';
import styles from './playground.module.css';

interface ModelChoiceProps {
  models: readonly OfferedModel[];
  model: OfferedModel;
  onChange: (id: string) => void;
}

/** The models that are online, and what the chosen one costs and how fast it is. */
export const ModelChoice = ({ models, model, onChange }: ModelChoiceProps) => (
  <header className={styles.choice}>
    <select
      aria-label="Model"
      value={model.id}
      onChange={event => onChange(event.currentTarget.value)}
      className={styles.model}
    >
      {models.map(({ id }) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </select>
    <ul className={styles.about}>
      {aboutModel(model).map(text => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  </header>
);

function aboutModel({ aitbc, context_length }: OfferedModel): string[] {
  const { price, miners, tokens_per_second, time_to_first_token_ms } = aitbc;
  const unit = price?.unit === 'token' ? '1,000 tokens' : 'GPU second';
  return [
    ...(price ? [`${formatCredits(price.credits)} credits per ${unit}`] : []),
    miners === 1 ? '1 miner' : `${formatCount(miners)} miners`,
    ...(context_length === undefined ? [] : [`${formatCount(context_length)} tokens of context`]),
    ...(time_to_first_token_ms === null ? [] : [`first token in ${formatDuration(time_to_first_token_ms)}`]),
    ...(tokens_per_second === null ? [] : [`${formatRate(tokens_per_second)} tokens/s`]),
  ];
}
