import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { Button } from '../../components/button/button.tsx';
import { Page } from '../../components/page/page.tsx';
import { Notice } from '../../components/states/states.tsx';

/** Shown at a path that the app does not have. */
export const NotFound = () => (
  <Page title="There is no such page">
    <Notice icon="search" title="Nothing is at this address">
      Search for a height, hash, job, receipt, miner, address or model above, or go to the{' '}
      <Link to="/">overview</Link>.
    </Notice>
  </Page>
);

/** Shown where a page broke. After an update of the coordinator, its old parts are gone. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Page title="This page broke">
      <Notice
        icon="alert"
        title="Something went wrong in the page itself"
        isAlarm
        action={
          <Button
            onClick={() => {
              reset();
              void router.invalidate();
              location.reload();
            }}
          >
            Load it again
          </Button>
        }
      >
        {String((error as Error).message)}
      </Notice>
    </Page>
  );
}
