import { Tabs } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import styles from './tabs.module.css';

interface TabbedProps {
  label: string;
  tabs: readonly { name: string; content: ReactNode }[];
}

/** Several contents of which one is shown. */
export const Tabbed = ({ label, tabs }: TabbedProps) => (
  <Tabs.Root defaultValue={tabs[0]?.name}>
    <Tabs.List className={styles.list} aria-label={label}>
      {tabs.map(({ name }) => (
        <Tabs.Tab key={name} value={name} className={styles.tab}>
          {name}
        </Tabs.Tab>
      ))}
    </Tabs.List>
    {tabs.map(({ name, content }) => (
      <Tabs.Panel key={name} value={name}>
        {content}
      </Tabs.Panel>
    ))}
  </Tabs.Root>
);
