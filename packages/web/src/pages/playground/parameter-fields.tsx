import { useState } from 'react';
import { Field } from '../../components/field/field.tsx';
import type { Parameters } from './conversation.ts';
import styles from './playground.module.css';

type NumberName = Exclude<keyof Parameters, 'system'>;

interface NumberField {
  name: NumberName;
  label: string;
  min: number;
  max: number;
  isWhole?: boolean;
  hint?: string;
}

/** The bounds are those of the coordinator. */
const NUMBERS: readonly NumberField[] = [
  { name: 'temperature', label: 'Temperature', min: 0, max: 2 },
  { name: 'top_p', label: 'Top p', min: 0.01, max: 1 },
  { name: 'max_tokens', label: 'Most tokens', min: 1, max: 10_000_000, isWhole: true },
  { name: 'seed', label: 'Seed', min: 0, max: Number.MAX_SAFE_INTEGER, isWhole: true },
  { name: 'max_price', label: 'Most credits', min: 0, max: 1_000_000_000 },
];

interface ParameterFieldsProps {
  parameters: Parameters;
  onChange: (change: Partial<Parameters>) => void;
}

/** What is sent along with each question. Empty fields are left to the engine. */
export const ParameterFields = ({ parameters, onChange }: ParameterFieldsProps) => (
  <details className={styles.panel} open>
    <summary>Parameters</summary>
    <div className={styles.fields}>
      <Field label="System prompt">
        {props => (
          <textarea
            {...props}
            rows={2}
            value={parameters.system}
            onChange={event => onChange({ system: event.currentTarget.value })}
          />
        )}
      </Field>
      <div className={styles.numbers}>
        {NUMBERS.map(field => (
          <ParameterField
            key={field.name}
            field={field}
            value={parameters[field.name]}
            onChange={value => onChange({ [field.name]: value })}
          />
        ))}
      </div>
    </div>
  </details>
);

interface ParameterFieldProps {
  field: NumberField;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
}

/** A number within bounds. What is not one is told, and not sent. */
function ParameterField({
  field: { label, min, max, isWhole = false },
  value,
  onChange,
}: ParameterFieldProps) {
  const [text, setText] = useState(value === undefined ? '' : String(value));
  const number = text.trim() === '' ? undefined : Number(text);
  const isValid =
    number === undefined || (number >= min && number <= max && (!isWhole || Number.isInteger(number)));
  return (
    <Field
      label={label}
      error={isValid ? undefined : `${isWhole ? 'A whole number' : 'A number'} from ${min} to ${max}`}
    >
      {props => (
        <input
          {...props}
          inputMode="decimal"
          value={text}
          placeholder="default"
          onChange={event => {
            const next = event.currentTarget.value;
            setText(next);
            const parsed = next.trim() === '' ? undefined : Number(next);
            const isGood = parsed === undefined || (parsed >= min && parsed <= max);
            onChange(
              isGood && (!isWhole || parsed === undefined || Number.isInteger(parsed)) ? parsed : undefined,
            );
          }}
        />
      )}
    </Field>
  );
}
