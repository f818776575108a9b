import { isCoordinatorError } from '@aitbc/sdk';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { newIdempotencyKey } from '../../api/idempotency-key.ts';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { ConfirmButton } from '../../components/confirm/confirm.tsx';
import { Field } from '../../components/field/field.tsx';
import { formatCredits } from '../../format/numbers.ts';
import { useSession } from '../../session/use-session.ts';
import styles from './admin.module.css';

const ADDRESS_LENGTH = 42;

/** Records a payout, after it said how much can be paid out to the address. */
export function NewPayoutForm() {
  const { client } = useSession();
  const queries = useQueryClient();
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const [method, setMethod] = useState('');
  const [reference, setReference] = useState('');
  /** The same key for a repeated try: what was recorded is not recorded twice. */
  const [attempt, setAttempt] = useState(newIdempotencyKey);
  const address = to.trim();
  const credits = Number(amount);
  const account = useQuery({
    queryKey: [OWN, 'account', address],
    queryFn: ({ signal }) => client.accounts.get(address, { signal }),
    enabled: address.startsWith('ait1') && address.length >= ADDRESS_LENGTH,
  });
  const isComplete = address.startsWith('ait1') && credits > 0 && method.trim() !== '';
  const pay = async () => {
    await client.payouts.create(
      {
        ...{ to: address, amount: credits, method: method.trim() },
        ...(reference.trim() !== '' && { reference: reference.trim() }),
      },
      { idempotencyKey: attempt },
    );
    setAttempt(newIdempotencyKey());
    setAmount('');
    setReference('');
    await queries.invalidateQueries({ queryKey: [OWN] });
  };
  const payable = account.data?.earnings.payable;
  return (
    <div className={styles.form}>
      <Field label="To" error={account.error ? explainAccount(account.error) : undefined}>
        {props => (
          <input
            {...props}
            value={to}
            placeholder="ait1…"
            maxLength={90}
            spellCheck={false}
            onChange={event => setTo(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field
        label="Credits"
        hint={payable === undefined ? undefined : `of ${formatCredits(payable)} that can be paid out`}
      >
        {props => (
          <input
            {...props}
            inputMode="decimal"
            value={amount}
            placeholder={payable === undefined ? '100' : formatCredits(payable)}
            maxLength={20}
            onChange={event => setAmount(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Method (public)">
        {props => (
          <input
            {...props}
            value={method}
            placeholder="SEPA transfer"
            maxLength={64}
            onChange={event => setMethod(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Reference (public)">
        {props => (
          <input
            {...props}
            value={reference}
            placeholder="2026-01/17"
            maxLength={256}
            onChange={event => setReference(event.currentTarget.value)}
          />
        )}
      </Field>
      {isComplete ? (
        <ConfirmButton
          action="Record"
          subject={`payout of ${formatCredits(credits)} credits`}
          consequence={`The ledger says for everybody to see that you paid ${address} for ${formatCredits(credits)} credits by ${method.trim()}, and its balance is lower by that. No money moves by it: pay first. Until the provider confirms it, you can withdraw it.`}
          run={pay}
        />
      ) : (
        <Button disabled>Record</Button>
      )}
    </div>
  );
}

const explainAccount = (error: Error) =>
  isCoordinatorError(error) && error.status === 404 ? 'No account has this address' : error.message;
