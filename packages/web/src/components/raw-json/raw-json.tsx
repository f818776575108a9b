import { Dialog } from '@base-ui/react/dialog';
import { Button, IconButton } from '../button/button.tsx';
import { CopyButton } from '../copy-button/copy-button.tsx';
import { Icon } from '../icon/icon.tsx';
import styles from './raw-json.module.css';

/**
 * A button that shows what the coordinator answered, and where it can be asked for.
 *
 * @param path of the API: `/explorer/blocks/7`
 */
export function RawJson({ value, path }: { value: unknown; path: string }) {
  const json = JSON.stringify(value, null, 2);
  return (
    <Dialog.Root>
      <Dialog.Trigger render={<Button />}>
        <Icon name="code" /> JSON
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <header className={styles.header}>
            <Dialog.Title className={styles.title}>
              <a href={path}>
                <code>GET {path}</code>
              </a>
            </Dialog.Title>
            <CopyButton text={json} what="JSON" />
            <Dialog.Close render={<IconButton label="Close" />}>
              <Icon name="close" />
            </Dialog.Close>
          </header>
          <section
            className={styles.json}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: long texts must be scrollable by keyboard.
            tabIndex={0}
            aria-label="JSON"
          >
            <pre>{json}</pre>
          </section>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
