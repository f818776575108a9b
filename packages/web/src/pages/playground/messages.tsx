import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { memo, useEffect, useRef } from 'react';
import { OWN } from '../../api/queries.ts';
import { CopyButton } from '../../components/copy-button/copy-button.tsx';
import { Icon } from '../../components/icon/icon.tsx';
import { Markdown } from '../../components/markdown/markdown.tsx';
import { explain, Notice } from '../../components/states/states.tsx';
import { formatCount, formatCredits, formatDuration, formatRate } from '../../format/numbers.ts';
import { useSession } from '../../session/use-session.ts';
import type { ChatAnswer, Turn } from './conversation.ts';
import styles from './playground.module.css';

/** What was said so far. It stays at its end while an answer grows, unless the reader scrolled away. */
export function Messages({ turns }: { turns: readonly Turn[] }) {
  const list = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const last = turns.at(-1);
  useEffect(() => {
    if (isAtEnd.current && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [last]);
  return (
    <section
      ref={list}
      className={styles.messages}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: long conversations must be scrollable by keyboard.
      tabIndex={0}
      aria-label="Messages"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      {turns.length === 0 ? (
        <Notice icon="chat" title="Ask something">
          A miner of the network answers, and what it did ends up as a receipt in the ledger.
        </Notice>
      ) : (
        <ol>
          {turns.map(turn => (
            <Exchange key={turn.id} turn={turn} />
          ))}
        </ol>
      )}
      <p role="status" className="visually-hidden">
        {last ? STATES[last.answer.state] : ''}
      </p>
    </section>
  );
}

const STATES: Record<ChatAnswer['state'], string> = {
  waiting: 'Waiting for a miner',
  answering: 'The answer arrives',
  completed: 'The answer is complete',
  stopped: 'The answer was stopped',
  failed: 'There is no answer',
};

const Exchange = memo(({ turn: { model, question, answer } }: { turn: Turn }) => (
  <li className={styles.exchange}>
    <article className={styles.question} aria-label="You">
      <p>{question}</p>
    </article>
    <article className={styles.answer} aria-label={model} aria-busy={isOpen(answer)}>
      <h2>{model}</h2>
      {answer.reasoning === '' ? null : (
        <details className={styles.reasoning}>
          <summary>Reasoning</summary>
          <Markdown text={answer.reasoning} />
        </details>
      )}
      {answer.text === '' ? null : <Markdown text={answer.text} />}
      {answer.state === 'waiting' ? <Waiting answer={answer} /> : null}
      {answer.state === 'failed' ? (
        <p className={styles.failure} role="alert">
          <Icon name="alert" /> {explain(answer.error)}
        </p>
      ) : null}
      {isOpen(answer) ? null : <Figures answer={answer} />}
    </article>
  </li>
));

const isOpen = ({ state }: ChatAnswer) => state === 'waiting' || state === 'answering';

/** How often the place in the queue is asked for. */
const QUEUE_MS = 2_000;

/** Says what an answer waits for. */
function Waiting({ answer: { jobId, minerId } }: { answer: ChatAnswer }) {
  const { client } = useSession();
  const { data } = useQuery({
    queryKey: [OWN, 'queue', jobId],
    queryFn: ({ signal }) => client.jobs.get(jobId ?? '', { signal }),
    enabled: jobId !== undefined && minerId === undefined,
    refetchInterval: QUEUE_MS,
  });
  const queue = data?.queue;
  return (
    <p className={styles.waiting}>
      <Icon name="clock" />
      {minerId !== undefined
        ? `${minerId} works on it`
        : queue?.reason
          ? queue.reason
          : queue && queue.position > 1
            ? `Number ${formatCount(queue.position)} in the queue of ${formatCount(queue.eligible_miners)} miners`
            : 'Waiting for a miner'}
    </p>
  );
}

/** What an answer took, and where its receipt is. */
function Figures({ answer }: { answer: ChatAnswer }) {
  const { state, text, sentAt, firstAt, tokens, price, minerId, jobId, receiptId } = answer;
  const speed = speedOf(answer);
  return (
    <ul className={styles.figures}>
      {state === 'stopped' ? <li>stopped</li> : null}
      {firstAt === undefined ? null : <li>first token after {formatDuration(firstAt - sentAt)}</li>}
      {tokens === undefined ? null : <li>{tokens === 1 ? '1 token' : `${formatCount(tokens)} tokens`}</li>}
      {speed === undefined ? null : <li>{formatRate(speed)} tokens/s</li>}
      {price === undefined ? null : <li>{formatCredits(price)} credits</li>}
      {minerId === undefined ? null : (
        <li>
          by{' '}
          <Link to="/miners/$id" params={{ id: minerId }}>
            {minerId}
          </Link>
        </li>
      )}
      {receiptId === undefined ? null : (
        <li>
          <Link to="/receipts/$id" params={{ id: receiptId }}>
            Receipt
          </Link>
        </li>
      )}
      {jobId === undefined ? null : (
        <li>
          <Link to="/jobs/$id" params={{ id: jobId }}>
            Job
          </Link>
        </li>
      )}
      {text === '' ? null : (
        <li>
          <CopyButton text={text} what="answer" />
        </li>
      )}
    </ul>
  );
}

/** Tokens per second between the first and the last piece. Undefined where all came at once. */
function speedOf({ tokens, firstAt, lastAt }: ChatAnswer): number | undefined {
  if (tokens === undefined || firstAt === undefined || lastAt === undefined || tokens < 2) return undefined;
  const ms = lastAt - firstAt;
  return ms > 0 ? ((tokens - 1) / ms) * 1000 : undefined;
}
