import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { publicClient } from '../../api/client.ts';
import { Button } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Panel } from '../../components/panel/panel.tsx';
import { LoadingFailed } from '../../components/states/states.tsx';
import { Verification } from '../../components/verification/verification.tsx';
import styles from './verify-receipt.module.css';

/** Verifies a receipt in the visitor's browser, when asked to. What that takes is loaded then. */
export function VerifyReceipt({ id, isPublished }: { id: string; isPublished: boolean }) {
  const { mutate, data, error, isPending } = useMutation({ mutationFn: () => verifyHere(id, isPublished) });
  return (
    <Panel title="Verification" aside={<Link to="/verify">Keys and other receipts</Link>} flush>
      {data ? (
        <Verification verdict={data} />
      ) : error ? (
        <LoadingFailed error={error} what="what the verification takes" retry={() => mutate()} />
      ) : (
        <div className={styles.offer}>
          <p>
            Your browser can check the signatures, the price, and the receipt’s place in the ledger by itself.
            {isPublished
              ? ''
              : ' The ledger has not published this receipt yet, so its place can’t be checked now.'}
          </p>
          <Button kind="primary" disabled={isPending} onClick={() => mutate()}>
            <Icon name="verify" /> Verify
          </Button>
        </div>
      )}
    </Panel>
  );
}

async function verifyHere(id: string, isPublished: boolean) {
  const [{ readClaim }, { verifyClaim }, { readLedgerTrust }] = await Promise.all([
    import('../../verify/claim.ts'),
    import('../../verify/verify-claim.ts'),
    import('../../verify/remembered-trust.ts'),
  ]);
  const [text, trust] = await Promise.all([
    isPublished
      ? publicClient.receipts.proof(id)
      : publicClient.receipts.get(id).then(receipt => JSON.stringify(receipt)),
    readLedgerTrust(publicClient),
  ]);
  return await verifyClaim(readClaim(text), trust);
}
