import { useLayoutEffect, useState } from 'react';
import styles from './filter.module.css';

interface FilterProps {
  label: string;
  placeholder: string;
  value: string | undefined;
  /** Called with the text when it was entered. Undefined takes the filter away. */
  onChange: (value: string | undefined) => void;
}

/** A text that a list is filtered by. It takes effect with Enter, or when the field is left. */
export function Filter({ label, placeholder, value = '', onChange }: FilterProps) {
  const [text, setText] = useState(value);
  // An effect after the painting would undo what is typed meanwhile.
  useLayoutEffect(() => setText(value), [value]);
  const apply = (entered: string) => {
    const trimmed = entered.trim();
    if (trimmed !== value) onChange(trimmed === '' ? undefined : trimmed);
  };
  return (
    <label className={styles.filter}>
      <span aria-hidden="true">{label}</span>
      <input
        type="search"
        aria-label={label}
        value={text}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        maxLength={128}
        onChange={event => setText(event.currentTarget.value)}
        onKeyDown={event => event.key === 'Enter' && apply(event.currentTarget.value)}
        onBlur={event => apply(event.currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  /** The values with their names. The empty value takes the filter away. */
  choices: readonly (readonly [value: string, name: string])[];
  onChange: (value: string | undefined) => void;
}

/** One of a few values that a list is filtered by. */
export const Choice = ({ label, value = '', choices, onChange }: ChoiceProps) => (
  <label className={styles.filter}>
    <span aria-hidden="true">{label}</span>
    <select
      aria-label={label}
      value={value}
      onChange={event => onChange(event.currentTarget.value || undefined)}
    >
      {choices.map(([each, name]) => (
        <option key={each} value={each}>
          {name}
        </option>
      ))}
    </select>
  </label>
);
