import type { Scope } from '@aitbc/sdk';
import { Panel } from '../components/panel/panel.tsx';
import { explainKey } from './explain-key.ts';
import styles from './sign-in.module.css';
import { SignInForm } from './sign-in-form.tsx';

interface SignInPanelProps {
  purpose: string;
  /** The scope that is needed even where the coordinator asks for no key. */
  scope?: Scope;
  /** Why the last session ended. */
  ended?: unknown;
}

/** Where a page needs a key: the form, why the last session ended, and where keys come from. */
export const SignInPanel = ({ purpose, scope, ended }: SignInPanelProps) => (
  <Panel title={`Sign in to ${purpose}`}>
    <div className={styles.panel}>
      {ended === undefined ? null : (
        <p className={styles.ended} role="alert">
          You were signed out. {explainKey(ended)}
        </p>
      )}
      {scope === undefined ? null : (
        <p>This coordinator asks for no key otherwise, but this needs one with the scope {scope}.</p>
      )}
      <SignInForm />
      <p className={styles.help}>
        No key yet? Whoever runs this coordinator invites you with a link, or creates a key by{' '}
        <code>aitbc keys create --scope {scope ?? 'client'}</code>.
      </p>
    </div>
  </Panel>
);
