import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { Icon } from '../../components/icon/icon.tsx';
import styles from './search-box.module.css';

/** One search for everything. The key `/` leads to it. */
export function SearchBox() {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      const { target } = event;
      if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]'))
        return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return (
    <search className={styles.search}>
      <form
        className={styles.form}
        onSubmit={event => {
          event.preventDefault();
          const q = text.trim();
          if (q === '') return;
          void navigate({ to: '/search', search: { q } });
          setText('');
          input.current?.blur();
        }}
      >
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          value={text}
          onChange={event => setText(event.target.value)}
          aria-label="Search by height, hash, job, receipt, miner, address or model"
          placeholder="Height, hash, job, receipt, miner, address, model"
          maxLength={128}
          spellCheck={false}
          autoComplete="off"
        />
        <span aria-hidden="true">/</span>
      </form>
    </search>
  );
}
