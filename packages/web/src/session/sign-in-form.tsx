import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../components/button/button.tsx';
import { Field } from '../components/field/field.tsx';
import { explain } from '../components/states/states.tsx';
import { explainKey } from './explain-key.ts';
import { sessions } from './session-store.ts';
import styles from './sign-in.module.css';

/** Keys are sent in a header, which takes no other characters. */
const KEY = /^[\x21-\x7e]{1,200}$/;

async function signIn(given: string): Promise<void> {
  const key = given.trim();
  if (key === '') throw new Error('Paste your API key. It begins with aitbc_.');
  if (!KEY.test(key)) throw new Error('This is not an API key. One begins with aitbc_ and has no spaces.');
  await sessions.signIn(key);
}

/** Takes an API key, and says what is wrong with one that is not accepted. */
export function SignInForm({ onDone }: { onDone?: () => void }) {
  const [key, setKey] = useState('');
  const { mutate, error, isPending } = useMutation({
    mutationFn: signIn,
    ...(onDone && { onSuccess: onDone }),
  });
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={event => {
        event.preventDefault();
        mutate(key);
      }}
    >
      <Field
        label="API key"
        hint="Stays in this tab, until you close it or sign out. It is sent to this coordinator only."
        error={error ? (explainKey(error) ?? explain(error)) : undefined}
      >
        {props => (
          <input
            {...props}
            type="password"
            value={key}
            placeholder="aitbc_…"
            autoComplete="off"
            spellCheck={false}
            maxLength={400}
            onChange={event => setKey(event.currentTarget.value)}
          />
        )}
      </Field>
      <Button type="submit" kind="primary" disabled={isPending}>
        {isPending ? 'Signing in' : 'Sign in'}
      </Button>
    </form>
  );
}
