import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Button } from '../button/button.tsx';
import { Modal } from '../dialog/dialog.tsx';
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
  run: () => Promise<unknown>;
}

/** A button that says what would follow, and asks, before it acts. */
export function ConfirmButton({
  action,
  subject,
  consequence,
  isDangerous = false,
  run,
}: ConfirmButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
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
          setIsOpen(true);
        }}
      >
        {action}
      </Button>
      <Modal title={`${action} ${subject}?`} isOpen={isOpen} onOpenChange={setIsOpen}>
        <div className={styles.confirm}>
          <div>{consequence}</div>
          {error ? (
            <p role="alert" className={styles.error}>
              {explain(error)}
            </p>
          ) : null}
          <div className={styles.buttons}>
            <Button onClick={() => setIsOpen(false)}>Leave it as it is</Button>
            <Button kind={isDangerous ? 'danger' : 'primary'} disabled={isPending} onClick={() => mutate()}>
              {isPending ? 'Working' : action}
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
