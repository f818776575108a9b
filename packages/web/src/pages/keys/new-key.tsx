import type { ApiKeyWithSecret, NewBudget, Scope } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Field } from '../../components/field/field.tsx';
import { Checks, FieldColumns, Form } from '../../components/field/form.tsx';
import { Secret } from '../../components/secret/secret.tsx';
import type { Session } from '../../session/session-store.ts';
import { useSession } from '../../session/use-session.ts';
import { BudgetFields, type BudgetTexts } from './budget-fields.tsx';
import styles from './keys.module.css';
import { readBudget, readDays } from './read-key-fields.ts';

const ALL: readonly Scope[] = ['client', 'miner', 'verifier', 'keys', 'metrics', 'admin'];

/** The scopes that a key may give on: only its own. */
export const scopesOf = ({ apiKey, may }: Session): Scope[] =>
  ALL.filter(scope => apiKey !== null && may(scope));

/** Creates a key, with no more rights than that of the session, and shows it. */
export function NewKey() {
  const session = useSession();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(['client']);
  const [days, setDays] = useState('');
  const [budget, setBudget] = useState<BudgetTexts>({});
  const { mutate, data, error, isPending } = useMutation<ApiKeyWithSecret>({
    mutationFn: async () => {
      const limits: NewBudget | undefined = readBudget(budget);
      const expires = readDays(days);
      return await session.client.apiKeys.create({
        scopes,
        ...(name.trim() !== '' && { name: name.trim() }),
        ...(limits && { budget: limits }),
        ...(expires !== undefined && { expires_at: expires }),
        ...(session.may('admin') && { account: session.account.address }),
      });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: [OWN, 'keys'] }),
  });
  if (data)
    return (
      <div className={styles.done}>
        <Secret value={data.key} what="key">
          Give it to the program that needs it, as AITBC_API_KEY.
        </Secret>
      </div>
    );
  return (
    <Form action="Create the key" isPending={isPending} error={error} onSubmit={() => mutate()}>
      <Field label="Name" hint="So that you know it again.">
        {props => (
          <input
            {...props}
            value={name}
            placeholder="the web shop"
            maxLength={64}
            onChange={event => setName(event.currentTarget.value)}
          />
        )}
      </Field>
      <Checks legend="What it may do" values={scopesOf(session)} checked={scopes} onChange={setScopes} />
      <BudgetFields budget={budget} onChange={setBudget} />
      <FieldColumns>
        <Field label="Days until it expires">
          {props => (
            <input
              {...props}
              inputMode="numeric"
              placeholder="never"
              value={days}
              onChange={event => setDays(event.currentTarget.value)}
            />
          )}
        </Field>
      </FieldColumns>
    </Form>
  );
}
