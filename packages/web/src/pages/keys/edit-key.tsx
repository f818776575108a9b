import type { ApiKey } from '@aitbc/sdk';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { OWN } from '../../api/queries.ts';
import { Field } from '../../components/field/field.tsx';
import { FieldColumns, Form } from '../../components/field/form.tsx';
import { useSession } from '../../session/use-session.ts';
import { BudgetFields, type BudgetTexts } from './budget-fields.tsx';
import { readBudget } from './read-key-fields.ts';

interface EditKeyProps {
  apiKey: ApiKey;
  /** The tiers that the coordinator has, but for the default. Only administrators choose among them. */
  tiers?: readonly string[];
  onDone: () => void;
}

/** Changes the name of a key, its tier of limits, and what its jobs may cost. */
export function EditKey({ apiKey, tiers = [], onDone }: EditKeyProps) {
  const { client } = useSession();
  const queries = useQueryClient();
  const [name, setName] = useState(apiKey.name ?? '');
  const [tier, setTier] = useState(apiKey.tier ?? '');
  const [budget, setBudget] = useState(() => textsOf(apiKey.budget));
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () =>
      await client.apiKeys.change(apiKey.id, {
        name: name.trim() === '' ? null : name.trim(),
        ...(tier !== (apiKey.tier ?? '') && { tier: tier === '' ? null : tier }),
        budget: readBudget(budget) ?? null,
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [OWN] });
      onDone();
    },
  });
  return (
    <Form action="Save" isPending={isPending} error={error} onSubmit={() => mutate()}>
      <FieldColumns>
        <Field label="Name">
          {props => (
            <input
              {...props}
              value={name}
              maxLength={64}
              onChange={event => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        {tiers.length === 0 && apiKey.tier === null ? null : (
          <Field label="Tier of limits">
            {props => (
              <select {...props} value={tier} onChange={event => setTier(event.currentTarget.value)}>
                <option value="">default</option>
                {[...new Set([...tiers, ...(apiKey.tier === null ? [] : [apiKey.tier])])].map(each => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
      </FieldColumns>
      <BudgetFields budget={budget} onChange={setBudget} />
    </Form>
  );
}

/** The limits of a budget as they are edited. What does not apply is absent. */
function textsOf(budget: ApiKey['budget']): BudgetTexts {
  if (!budget) return {};
  const { day, month, total } = budget;
  return Object.fromEntries(
    Object.entries({ day, month, total }).flatMap(([period, limit]) =>
      limit === null ? [] : [[period, String(limit)]],
    ),
  );
}
