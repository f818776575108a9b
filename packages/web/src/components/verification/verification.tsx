import type { ClaimVerdict, Step } from '../../verify/verify-claim.ts';
import { Icon, type IconName } from '../icon/icon.tsx';
import { MerklePath } from './merkle-path.tsx';
import styles from './verification.module.css';

const ICONS: Record<Step['result'], IconName> = { passed: 'check', failed: 'cross', skipped: 'dash' };
const WORDS: Record<Step['result'], string> = {
  passed: 'passed',
  failed: 'failed',
  skipped: 'nothing to check',
};

/** What came of verifying: the verdict, each step with what went into it, and the way through the tree. */
export function Verification({ verdict }: { verdict: ClaimVerdict }) {
  const failed = verdict.steps.filter(({ result }) => result === 'failed');
  return (
    <div className={styles.verification}>
      <p className={styles.verdict} data-valid={verdict.isValid} role="status">
        <Icon name={verdict.isValid ? 'verify' : 'alert'} size={20} />
        {verdict.isValid
          ? 'Valid. Your browser checked it, and asked nobody whether it is.'
          : `Not valid: ${failed.map(({ name }) => name.toLowerCase()).join(', ')}`}
      </p>
      <div className={styles.parts}>
        <ol className={styles.steps}>
          {verdict.steps.map(step => (
            <li key={step.id} className={styles.step} data-result={step.result} data-step={step.id}>
              <span className={styles.mark}>
                <Icon name={ICONS[step.result]} size={12} />
              </span>
              <div className={styles.words}>
                <h3>
                  {step.name} <span className="visually-hidden">{WORDS[step.result]}</span>
                </h3>
                <p>{step.detail}</p>
                {step.inputs.length === 0 ? null : (
                  <details>
                    <summary>What went in</summary>
                    <dl>
                      {step.inputs.map(([name, value]) => (
                        <div key={name}>
                          <dt>{name}</dt>
                          <dd>
                            <code>{value}</code>
                          </dd>
                        </div>
                      ))}
                    </dl>
                  </details>
                )}
              </div>
            </li>
          ))}
        </ol>
        {verdict.path ? <MerklePath {...verdict.path} /> : null}
      </div>
    </div>
  );
}
