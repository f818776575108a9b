import type { ReactNode } from 'react';
import { Button } from '../button/button.tsx';
import { explain } from '../states/states.tsx';
import { Field } from './field.tsx';
import styles from './form.module.css';

interface FormProps {
  /** What the button does. */
  action: string;
  isPending: boolean;
  error: unknown;
  onSubmit: () => void;
  children: ReactNode;
}

/** Fields with a button below them, and what was wrong with the last try. */
export const Form = ({ action, isPending, error, onSubmit, children }: FormProps) => (
  <form
    className={styles.form}
    noValidate
    onSubmit={event => {
      event.preventDefault();
      onSubmit();
    }}
  >
    {children}
    {error ? (
      <p role="alert" className={styles.error}>
        {explain(error)}
      </p>
    ) : null}
    <div className={styles.end}>
      <Button type="submit" kind="primary" disabled={isPending}>
        {action}
      </Button>
    </div>
  </form>
);

/** Fields side by side. */
export const FieldColumns = ({ children }: { children: ReactNode }) => (
  <div className={styles.columns}>{children}</div>
);

interface ChecksProps<Value extends string> {
  legend: string;
  values: readonly Value[];
  checked: readonly Value[];
  onChange: (checked: Value[]) => void;
}

/** Any of a few values. */
export const Checks = <Value extends string>({ legend, values, checked, onChange }: ChecksProps<Value>) => (
  <fieldset className={styles.group}>
    <legend>{legend}</legend>
    <div className={styles.columns}>
      {values.map(value => (
        <Field key={value} label={value} inline>
          {props => (
            <input
              {...props}
              type="checkbox"
              checked={checked.includes(value)}
              onChange={event =>
                onChange(
                  event.currentTarget.checked ? [...checked, value] : checked.filter(each => each !== value),
                )
              }
            />
          )}
        </Field>
      ))}
    </div>
  </fieldset>
);
