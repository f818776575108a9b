export type Theme = 'system' | 'light' | 'dark';

const STORED = 'aitbc.theme';
const isDark = matchMedia('(prefers-color-scheme: dark)');

/** Returns what the visitor chose. Without a choice, and where nothing can be stored, it is the system's. */
export function chosenTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

export function chooseTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Then the choice lasts as long as the page.
  }
  show(theme);
}

function show(theme: Theme): void {
  const isDarkNow = theme === 'dark' || (theme === 'system' && isDark.matches);
  document.documentElement.dataset.theme = isDarkNow ? 'dark' : 'light';
  dispatchEvent(new Event(THEME_CHANGED));
}

/** Told to the window when other colours are shown. Charts, which are drawn, listen to it. */
export const THEME_CHANGED = 'aitbc:theme';

export function applyTheme(): void {
  isDark.addEventListener('change', () => show(chosenTheme()));
  show(chosenTheme());
}
