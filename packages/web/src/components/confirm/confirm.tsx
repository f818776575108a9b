import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Button } from '../button/button.tsx';
import { Modal } from '../dialog/dialog.tsx';
import { Field } from '../field/field.tsx';
import { explain } from '../states/states.tsx';
import styles from './confirm.module.css';

interface ConfirmButtonProps {
  /** What the button does: `Suspend`. */
  action: string;
  /** What it is done to: `gpu-one`. */
  subject: string;
  /** What follows from it, as a sentence or more. */
  consequence: ReactNode;
  isDangerous?: boolean;
  /** A text that is needed, too. */
  asks?: { label: string; hint: string; placeholder: string; maxLength: number };
  /** Does it, with the text that was asked for. */
  run: (text: string) => Promise<unknown>;
}

/** A button that says what would follow, and asks, before it acts. */
export function ConfirmButton({
  action,
  subject,
  consequence,
  isDangerous = false,
  asks,
  run,
}: ConfirmButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  const [text, setText] = useState('');
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: run,
    onSuccess: () => setIsOpen(false),
  });
  return (
    <>
      <Button
        aria-label={`${action} ${subject}`}
        aria-haspopup="dialog"
        onClick={() => {
          reset();
          setText('');
          setIsOpen(true);
        }}
      >
        {action}
      </Button>
      <Modal title={`${action} ${subject}?`} isOpen={isOpen} onOpenChange={setIsOpen}>
        <form
          className={styles.confirm}
          noValidate
          onSubmit={event => {
            event.preventDefault();
            mutate(text.trim());
          }}
        >
          <div>{consequence}</div>
          {asks ? (
            <Field label={asks.label} hint={asks.hint}>
              {props => (
                <input
                  {...props}
                  value={text}
                  placeholder={asks.placeholder}
                  maxLength={asks.maxLength}
                  onChange={event => setText(event.currentTarget.value)}
                />
              )}
            </Field>
          ) : null}
          {error ? (
            <p role="alert" className={styles.error}>
              {explain(error)}
            </p>
          ) : null}
          <div className={styles.buttons}>
            <Button onClick={() => setIsOpen(false)}>Leave it as it is</Button>
            <Button
              type="submit"
              kind={isDangerous ? 'danger' : 'primary'}
              disabled={isPending || (asks !== undefined && text.trim() === '')}
            >
              {isPending ? 'Working' : action}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}
