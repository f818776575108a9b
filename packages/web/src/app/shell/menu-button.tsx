import { lazy, Suspense, useState } from 'react';
import { IconButton } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import styles from './shell.module.css';

const Menu = lazy(() => import('./menu.tsx'));

/** Opens the navigation on small screens, which is loaded then. */
export function MenuButton() {
  const [isOpen, setIsOpen] = useState(false);
  const [wasOpened, setWasOpened] = useState(false);
  return (
    <div className={styles.menu}>
      <IconButton
        label="Menu"
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        onClick={() => {
          setWasOpened(true);
          setIsOpen(true);
        }}
      >
        <Icon name="menu" />
      </IconButton>
      {wasOpened ? (
        <Suspense>
          <Menu isOpen={isOpen} onOpenChange={setIsOpen} />
        </Suspense>
      ) : null}
    </div>
  );
}
