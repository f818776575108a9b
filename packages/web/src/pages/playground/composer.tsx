import { useState } from 'react';
import { Button } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import styles from './playground.module.css';

interface ComposerProps {
  isBusy: boolean;
  canRegenerate: boolean;
  ask: (question: string) => void;
  regenerate: () => void;
  stop: () => void;
}

/** Where questions are written. Enter sends, Shift and Enter begin a new line, Escape stops the answer. */
export function Composer({ isBusy, canRegenerate, ask, regenerate, stop }: ComposerProps) {
  const [text, setText] = useState('');
  const send = () => {
    if (isBusy || text.trim() === '') return;
    ask(text);
    setText('');
  };
  return (
    <form
      className={styles.composer}
      onSubmit={event => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        aria-label="Your message"
        placeholder="Write a message"
        rows={3}
        value={text}
        onChange={event => setText(event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') stop();
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <div className={styles.buttons}>
        <span className={styles.keys}>Enter sends, Shift + Enter begins a new line</span>
        {isBusy ? (
          <Button onClick={stop}>
            <Icon name="stop" /> Stop
          </Button>
        ) : (
          <>
            {canRegenerate ? (
              <Button onClick={regenerate}>
                <Icon name="again" /> Regenerate
              </Button>
            ) : null}
            <Button type="submit" kind="primary" disabled={text.trim() === ''}>
              <Icon name="up" /> Send
            </Button>
          </>
        )}
      </div>
    </form>
  );
}
