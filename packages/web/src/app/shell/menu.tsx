import { Dialog } from '@base-ui/react/dialog';
import { IconButton } from '../../components/button/button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Navigation, Wordmark } from './navigation.tsx';
import styles from './shell.module.css';

interface MenuProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

function Menu({ isOpen, onOpenChange }: MenuProps) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.drawer}>
          <div className={styles.drawerHead}>
            <Dialog.Title className="visually-hidden">Menu</Dialog.Title>
            <Wordmark />
            <Dialog.Close render={<IconButton label="Close the menu" />}>
              <Icon name="close" />
            </Dialog.Close>
          </div>
          <Navigation onNavigate={() => onOpenChange(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

// biome-ignore lint/style/noDefaultExport: `lazy` asks for it.
export default Menu;
