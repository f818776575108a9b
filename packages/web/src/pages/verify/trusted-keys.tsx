import { Button } from '../../components/button/button.tsx';
import { Fact, Facts } from '../../components/facts/facts.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Id } from '../../components/id/id.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { Status } from '../../components/status/status.tsx';
import { FullTime } from '../../components/time/time.tsx';
import { formatCount } from '../../format/numbers.ts';
import { forgetTrust, type LedgerTrust, pinTrust } from '../../verify/remembered-trust.ts';
import styles from './verify-page.module.css';

/** The keys that receipts are checked against, whether they changed since the last visit, and whether the ledger forked. */
export function TrustedKeys({ trust, onChange }: { trust: LedgerTrust; onChange: () => void }) {
  const { alarms, isPinned, publicKeys, policy, seenAt, size } = trust;
  const isKnown = alarms.length === 0;
  return (
    <Panel
      title="Whom this browser trusts"
      aside={
        isKnown ? (
          <Button
            onClick={() => {
              pinTrust(trust, !isPinned);
              onChange();
            }}
          >
            <Icon name="pin" /> {isPinned ? 'Unpin these keys' : 'Pin these keys'}
          </Button>
        ) : undefined
      }
      flush
    >
      {isKnown ? null : (
        <div className={styles.alarm} role="alert">
          <h3>
            <Icon name="alert" /> This is not what you saw at your last visit
          </h3>
          <ul>
            {alarms.map(alarm => (
              <li key={alarm}>{alarm}</li>
            ))}
          </ul>
          <div className={styles.buttons}>
            <Button
              kind="danger"
              onClick={() => {
                forgetTrust();
                onChange();
              }}
            >
              Forget the last visit
            </Button>
          </div>
        </div>
      )}
      <Facts>
        <Fact name="Last visit">
          {seenAt === undefined ? (
            'none: from now on this browser remembers what it sees'
          ) : (
            <FullTime at={seenAt} />
          )}
        </Fact>
        <Fact name="Since then">
          {seenAt === undefined ? (
            <span className="muted">nothing to compare with</span>
          ) : (
            <Status tone={isKnown ? 'good' : 'bad'}>
              {isKnown ? 'same keys, and the ledger continues' : 'contradicts the last visit'}
            </Status>
          )}
        </Fact>
        <Fact name="Ledger">{formatCount(size)} entries</Fact>
        {publicKeys.map(({ key_id, retired_at }) => (
          <Fact key={key_id} name="Key of receipts" hint={retired_at === null ? 'in use' : 'retired'}>
            <Id value={key_id} what="key" whole />
          </Fact>
        ))}
        {policy.logs.map(({ key }) => (
          <Fact key={key.publicKey} name="Key of the ledger" hint={key.name}>
            <Id value={key.publicKey} what="key" whole />
          </Fact>
        ))}
        {policy.witnesses.map(({ name, key }) => (
          <Fact key={key.publicKey} name="Witness" hint={name}>
            <Id value={key.publicKey} what="key" whole />
          </Fact>
        ))}
        <Fact name="Where they are from">
          {isPinned
            ? 'You pinned them. The coordinator can’t replace them here.'
            : 'This coordinator itself. Compare them with what you have from elsewhere, then pin them.'}
        </Fact>
      </Facts>
    </Panel>
  );
}
