import type { ChatMessage, JobEvent, JobParams, JobRequest } from '@aitbc/sdk';
import { type Session, sessions } from '../../session/session-store.ts';

/** What is sent along with each question. What is undefined is left to the engine. */
export interface Parameters {
  system: string;
  temperature: number | undefined;
  top_p: number | undefined;
  max_tokens: number | undefined;
  seed: number | undefined;
  /** The most credits that an answer may cost. */
  max_price: number | undefined;
}

export interface ChatAnswer {
  state: 'waiting' | 'answering' | 'completed' | 'stopped' | 'failed';
  text: string;
  reasoning: string;
  /** When the question was sent, and when the first and the last piece came, in ms of the page's clock. */
  sentAt: number;
  firstAt?: number;
  lastAt?: number;
  jobId?: string;
  minerId?: string;
  /** Tokens of the answer, if the engine counted them. */
  tokens?: number;
  price?: number;
  receiptId?: string;
  error?: unknown;
}

export interface Turn {
  id: number;
  model: string;
  question: string;
  answer: ChatAnswer;
}

export interface ConversationState {
  turns: readonly Turn[];
  parameters: Parameters;
  isBusy: boolean;
}

/** A conversation goes on while its page is not shown, and ends with the session. */
export interface Conversation {
  get(): ConversationState;
  subscribe(listener: () => void): () => void;
  set(parameters: Partial<Parameters>): void;
  ask(model: string, question: string): void;
  /** Asks the last question again, and forgets its answer. */
  regenerate(model: string): void;
  /** Ends the answer under way, and cancels its job. */
  stop(): void;
  clear(): void;
}

const conversations = new WeakMap<Session, Conversation>();

/** Returns the conversation of a session. */
export function conversationOf(session: Session): Conversation {
  const known = conversations.get(session);
  if (known) return known;
  const created = createConversation(session);
  conversations.set(session, created);
  return created;
}

const NO_PARAMETERS: Parameters = {
  ...{ system: '', temperature: undefined, top_p: undefined, max_tokens: undefined },
  ...{ seed: undefined, max_price: undefined },
};

function createConversation(session: Session): Conversation {
  let state: ConversationState = { turns: [], parameters: NO_PARAMETERS, isBusy: false };
  let running: AbortController | undefined;
  let nextId = 1;
  let isDrawing = false;
  const listeners = new Set<() => void>();

  function tell(): void {
    isDrawing = false;
    for (const listener of listeners) listener();
  }

  /** Pieces of an answer may come faster than a screen shows them. */
  function set(change: Partial<ConversationState>): void {
    state = { ...state, ...change };
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(tell);
  }

  function update(id: number, change: (answer: ChatAnswer) => Partial<ChatAnswer>): void {
    const turns = state.turns.map(turn =>
      turn.id === id ? { ...turn, answer: { ...turn.answer, ...change(turn.answer) } } : turn,
    );
    set({ turns });
  }

  async function run(turn: Turn, job: JobRequest): Promise<void> {
    const stopping = new AbortController();
    running = stopping;
    try {
      for await (const event of session.client.jobs.stream(job, { signal: stopping.signal }))
        update(turn.id, answer => applyEvent(answer, event, performance.now()));
    } catch (error) {
      update(turn.id, () => (stopping.signal.aborted ? { state: 'stopped' } : { state: 'failed', error }));
    }
    if (running !== stopping) return;
    running = undefined;
    set({ isBusy: false });
  }

  function ask(model: string, question: string): void {
    if (state.isBusy) return;
    const job = jobFor(model, question, state);
    const answer: ChatAnswer = { state: 'waiting', text: '', reasoning: '', sentAt: performance.now() };
    const turn = { id: nextId++, model, question, answer };
    set({ turns: [...state.turns, turn], isBusy: true });
    void run(turn, job);
  }

  const stop = () => running?.abort();
  const leave = sessions.subscribe(() => {
    const now = sessions.get();
    if (now.status === 'signed-in' && now.session === session) return;
    stop();
    leave();
  });
  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: parameters => set({ parameters: { ...state.parameters, ...parameters } }),
    ask,
    regenerate(model) {
      const last = state.turns.at(-1);
      if (!last || state.isBusy) return;
      set({ turns: state.turns.slice(0, -1) });
      ask(model, last.question);
    },
    stop,
    clear() {
      stop();
      running = undefined;
      set({ turns: [], isBusy: false });
    },
  };
}

/** Returns the job that asks a question after what was said so far. */
export function jobFor(
  model: string,
  question: string,
  { turns, parameters }: Pick<ConversationState, 'turns' | 'parameters'>,
): JobRequest {
  const { system, max_price, ...params } = parameters;
  const messages: ChatMessage[] = [];
  if (system.trim() !== '') messages.push({ role: 'system', content: system });
  for (const { question, answer } of turns)
    if (answer.text !== '')
      messages.push({ role: 'user', content: question }, { role: 'assistant', content: answer.text });
  messages.push({ role: 'user', content: question });
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return {
    model,
    messages,
    ...(given.length > 0 && { params: Object.fromEntries(given) as JobParams }),
    ...(max_price !== undefined && { constraints: { max_price } }),
  };
}

function applyEvent(answer: ChatAnswer, event: JobEvent, now: number): Partial<ChatAnswer> {
  switch (event.event) {
    case 'status': {
      const { job_id, miner_id, status } = event.data;
      const known = { jobId: job_id, ...(miner_id !== null && { minerId: miner_id }) };
      return status === 'cancelled' ? { ...known, state: 'stopped' } : known;
    }
    case 'chunk':
      return { ...timed(answer, now), state: 'answering', text: answer.text + event.data.text };
    case 'reasoning':
      return { ...timed(answer, now), state: 'answering', reasoning: answer.reasoning + event.data.text };
    case 'restart':
      return { state: 'waiting', text: '', reasoning: '' };
    case 'result': {
      const { result, usage } = event.data;
      const tokens = usage?.completion_tokens;
      return { state: 'completed', text: result ?? answer.text, ...(tokens !== undefined && { tokens }) };
    }
    case 'receipt':
      return { receiptId: event.data.receipt_id, price: event.data.price };
    case 'error':
      return { state: 'failed', error: new Error(event.data.detail) };
  }
}

const timed = ({ firstAt }: ChatAnswer, now: number) => ({ firstAt: firstAt ?? now, lastAt: now });
