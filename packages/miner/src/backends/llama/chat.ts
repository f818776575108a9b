import type { ChatMessage, ToolCall } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../backend.ts';
import {
  type Chat,
  type ChatResponse,
  type FunctionCall,
  type Grammar,
  type HistoryItem,
  type Llama,
  messageOf,
  type ResponseOptions,
} from './node-llama-cpp.ts';

/*
 * Conversations in the terms of node-llama-cpp: what a tool answered stands with the call, and all that the model
 * said in its turn, calls among it, is one item.
 */

type Asked = Pick<Generation, 'prompt' | 'chat'>;

/** The conversation so far, and an empty turn of the model where it does not have the floor already. */
export function historyOf(
  { prompt, chat }: Asked,
  { instruction }: Pick<Demands, 'instruction'>,
  { chatWrapper }: Chat,
): HistoryItem[] {
  const history: HistoryItem[] = chat ? [] : chatWrapper.generateInitialChatHistory();
  if (instruction !== undefined) history.push({ type: 'system', text: instruction });
  const calls = new Map<string, FunctionCall>();
  for (const message of chat?.messages ?? [{ role: 'user' as const, content: prompt }]) {
    const text = textOf(message);
    if (message.role === 'tool') answerCall(calls.get(message.tool_call_id ?? ''), text);
    else if (message.role === 'assistant') turnOf(history).push(...saidBy(message, text, calls));
    else history.push({ type: message.role, text });
  }
  turnOf(history);
  return history;
}

/** The model's turn at the end of the conversation. */
function turnOf(history: HistoryItem[]): (string | FunctionCall)[] {
  const last = history.at(-1);
  if (last?.type === 'model') return last.response;
  const turn: (string | FunctionCall)[] = [];
  history.push({ type: 'model', response: turn });
  return turn;
}

function saidBy({ tool_calls = [] }: ChatMessage, text: string, calls: Map<string, FunctionCall>) {
  const called = tool_calls.map(({ id, function: { name, arguments: params } }) => {
    const call: FunctionCall = { type: 'functionCall', name, params: parsed(params), result: '' };
    calls.set(id, call);
    return call;
  });
  return text === '' ? called : [text, ...called];
}

function answerCall(call: FunctionCall | undefined, text: string): void {
  if (!call) {
    throw new BackendError('A tool answers a call that the conversation does not have', {
      failureClass: 'refused',
    });
  }
  call.result = parsed(text);
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? [])
    .map(({ type, text = '' }) => {
      if (type !== 'text') throw unsupported('This miner takes no images');
      return text;
    })
    .join('');
}

const unsupported = (message: string) => new BackendError(message, { failureClass: 'unsupported' });

/** JSON as what it says, any other text as itself. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** All text of which there will be tokens. */
export function textIn({ prompt, chat }: Asked): string {
  return chat ? JSON.stringify([chat.messages.map(textOf), chat.tools]) : prompt;
}

/** What the model's answer is held to. */
export interface Demands {
  options: Pick<ResponseOptions, 'functions' | 'maxParallelFunctionCalls' | 'grammar'>;
  /** Told to the model before all else. */
  instruction?: string;
  /** The text is a call of a tool, as JSON. */
  isCall: boolean;
}

/**
 * The tools that the model may call, or the grammar that holds its text to a form: that of a call where it must be one.
 *
 * @throws {BackendError} for what it can't be held to
 */
export async function demandsOf({ chat, params }: Generation, llama: Llama): Promise<Demands> {
  const { tools = [], tool_choice = 'auto', response_format } = chat ?? {};
  const isFree = response_format === undefined || response_format.type === 'text';
  if (tools.length > 0 && tool_choice !== 'none') {
    if (!isFree) throw unsupported('This miner takes tools or a response_format, not both');
    if (tool_choice !== 'auto') return await callOf(tools, tool_choice, llama);
    const functions = Object.fromEntries(tools.map(({ function: tool }) => [tool.name, definitionOf(tool)]));
    const isSingle = params.parallel_tool_calls === false;
    return { options: { functions, ...(isSingle && { maxParallelFunctionCalls: 1 }) }, isCall: false };
  }
  if (isFree) return { options: {}, isCall: false };
  const schema = response_format.json_schema?.schema;
  const grammar = await grammarFor('the response_format', () =>
    schema ? llama.createGrammarForJsonSchema(schema) : llama.getGrammarFor('json'),
  );
  return { options: { grammar }, isCall: false };
}

type Chatted = NonNullable<Generation['chat']>;

/** Models may leave a tool aside; the form of their text leaves them no choice. */
async function callOf(
  tools: NonNullable<Chatted['tools']>,
  choice: NonNullable<Chatted['tool_choice']>,
  llama: Llama,
): Promise<Demands> {
  const wanted = typeof choice === 'object' ? choice.function.name : undefined;
  const allowed = tools.filter(({ function: { name } }) => wanted === undefined || name === wanted);
  const calls = allowed.map(({ function: { name, parameters = {} } }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: { type: 'object', properties: {}, ...parameters } },
  }));
  const grammar = await grammarFor('the parameters of the tools', () =>
    llama.createGrammarForJsonSchema(calls.length === 1 ? (calls[0] ?? {}) : { oneOf: calls }),
  );
  const described = JSON.stringify(allowed.map(({ function: tool }) => tool));
  const instruction = `Call one of these functions, by JSON with its "name" and "arguments": ${described}`;
  return { options: { grammar }, instruction, isCall: true };
}

async function grammarFor(what: string, make: () => Promise<Grammar>): Promise<Grammar> {
  try {
    return await make();
  } catch (error) {
    throw unsupported(`This miner can not hold a model to ${what}: ${messageOf(error)}`);
  }
}

function definitionOf({ description, parameters }: { description?: string; parameters?: object }) {
  return { ...(description !== undefined && { description }), ...(parameters && { params: parameters }) };
}

export function answered(
  { response, functionCalls = [], metadata }: ChatResponse,
  { isCall }: Pick<Demands, 'isCall'>,
): Generated {
  const isCut = metadata.stopReason === 'maxTokens';
  // Half a call is none.
  if (isCall && isCut) return { text: '', finishReason: 'length' };
  const toolCalls = isCall
    ? [callIn(response)]
    : functionCalls.map(({ functionName, params }) => toolCall(functionName, params));
  const text = isCall ? '' : response;
  if (toolCalls.length > 0) return { text, toolCalls, finishReason: 'tool_calls' };
  return { text, finishReason: isCut ? 'length' : 'stop' };
}

function callIn(json: string): ToolCall {
  const { name, arguments: params } = Object(parsed(json));
  if (typeof name !== 'string') throw new BackendError('The model did not call a tool');
  return toolCall(name, params);
}

const toolCall = (name: string, params: unknown): ToolCall => ({
  id: `call_${crypto.randomUUID().replaceAll('-', '')}`,
  type: 'function',
  function: { name, arguments: JSON.stringify(params ?? {}) },
});
