import { useState } from 'react';
import { IconButton } from '../../components/button/button.tsx';
import { Icon, type IconName } from '../../components/icon/icon.tsx';
import { chooseTheme, chosenTheme, type Theme } from './theme.ts';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const ICONS: Record<Theme, IconName> = { system: 'contrast', light: 'sun', dark: 'moon' };

/** Goes through the system's colours, light and dark ones. */
export function ThemeToggle() {
  const [theme, setTheme] = useState(chosenTheme);
  const next = NEXT[theme];
  return (
    <IconButton
      label={`Colours: ${theme}. Change to ${next}`}
      onClick={() => {
        chooseTheme(next);
        setTheme(next);
      }}
    >
      <Icon name={ICONS[theme]} />
    </IconButton>
  );
}
