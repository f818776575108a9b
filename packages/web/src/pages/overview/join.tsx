import { Tabs } from '@base-ui/react/tabs';
import { COORDINATOR_URL } from '../../api/client.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import styles from './join.module.css';

const ROLES = [
  {
    name: 'Use a model',
    about: `Any OpenAI client works, too, with the address ${COORDINATOR_URL}/v1 and a key if this coordinator asks for one.`,
    command: `npx aitbc submit "What is 6 times 7?" --model llama3.2 --wait --coordinator ${COORDINATOR_URL}`,
  },
  {
    name: 'Lend a GPU',
    about: 'It runs behind any router, takes jobs for the models that your Ollama has, and earns credits.',
    command: `npx aitbc miner --backend ollama --coordinator ${COORDINATOR_URL}`,
  },
  {
    name: 'Check the ledger',
    about: 'It downloads the whole ledger, and verifies every signature, price and balance on your machine.',
    command: `npx aitbc ledger verify ${COORDINATOR_URL}/ledger`,
  },
];

/** How to join, as a command for each role. */
export function Join() {
  return (
    <Tabs.Root defaultValue={ROLES[0]?.name} className={styles.join}>
      <Tabs.List className={styles.roles} aria-label="How to join">
        {ROLES.map(({ name }) => (
          <Tabs.Tab key={name} value={name} className={styles.role}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {ROLES.map(({ name, about, command }) => (
        <Tabs.Panel key={name} value={name} className={styles.panel}>
          <div className={styles.command}>
            <code>
              <span className={styles.prompt} aria-hidden="true">
                ${' '}
              </span>
              {command}
            </code>
            <CopyButton text={command} what="command" />
          </div>
          <p className={styles.about}>{about}</p>
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}
