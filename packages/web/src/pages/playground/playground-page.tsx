import type { OfferedModel } from '@aitbc/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { OWN } from '../../api/queries.ts';
import { Button } from '../../components/button/button.tsx';
import { Page } from '../../components/page/page.tsx';
import { Loading, LoadingFailed, Notice } from '../../components/states/states.tsx';
import { SignedIn } from '../../session/signed-in.tsx';
import { useSession } from '../../session/use-session.ts';
import { CodeSamples } from './code-samples.tsx';
import { Composer } from './composer.tsx';
import { conversationOf } from './conversation.ts';
import { Messages } from './messages.tsx';
import { ModelChoice } from './model-choice.tsx';
import { ParameterFields } from './parameter-fields.tsx';
import styles from './playground.module.css';

const route = getRouteApi('/playground');

export const PlaygroundPage = () => (
  <SignedIn scope="client" title="Playground" purpose="chat with a model">
    <Playground />
  </SignedIn>
);

const writesText = ({ aitbc }: OfferedModel) => aitbc.text !== false;

function Playground() {
  const session = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: [OWN, 'models'],
    queryFn: ({ signal }) => session.client.models.list({ signal }),
    select: models => models.filter(writesText),
    meta: { live: 'slow' },
  });
  if (data && data.length > 0) return <Chat models={data} />;
  return (
    <Page title="Playground">
      {error ? (
        <LoadingFailed error={error} what="the models" retry={refetch} />
      ) : data ? (
        <Notice icon="model" title="No model is online">
          This page goes on as soon as a miner offers one. The <Link to="/">overview</Link> has the command
          that lends a GPU.
        </Notice>
      ) : (
        <Loading what="models" />
      )}
    </Page>
  );
}

function Chat({ models }: { models: readonly OfferedModel[] }) {
  const { model: wanted } = route.useSearch();
  const navigate = route.useNavigate();
  const conversation = conversationOf(useSession());
  const { turns, parameters, isBusy } = useSyncExternalStore(conversation.subscribe, conversation.get);
  const model = models.find(({ id }) => id === wanted) ?? models[0];
  if (!model) return null;
  return (
    <Page
      title="Playground"
      actions={
        turns.length > 0 ? <Button onClick={() => conversation.clear()}>New conversation</Button> : undefined
      }
    >
      <div className={styles.playground}>
        <section className={styles.chat} aria-label="Conversation">
          <ModelChoice
            models={models}
            model={model}
            onChange={id => void navigate({ search: { model: id }, replace: true })}
          />
          <Messages turns={turns} />
          <Composer
            isBusy={isBusy}
            canRegenerate={turns.length > 0}
            ask={question => conversation.ask(model.id, question)}
            regenerate={() => conversation.regenerate(model.id)}
            stop={() => conversation.stop()}
          />
        </section>
        <div className={styles.side}>
          <ParameterFields parameters={parameters} onChange={change => conversation.set(change)} />
          <CodeSamples model={model.id} turns={turns} parameters={parameters} />
        </div>
      </div>
    </Page>
  );
}
