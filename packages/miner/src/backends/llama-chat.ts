import type { ChatMessage, ToolCall } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../backend.ts';
import {
  type Chat,
  type ChatResponse,
  type FunctionCall,
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
export function historyOf({ prompt, chat }: Asked, { chatWrapper }: Chat): HistoryItem[] {
  const history: HistoryItem[] = chat ? [] : chatWrapper.generateInitialChatHistory();
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
  if (!call) throw new BackendError('A tool answers a call that the conversation does not have');
  call.result = parsed(text);
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? [])
    .map(({ type, text = '' }) => {
      if (type !== 'text') throw new BackendError('This miner takes no images');
      return text;
    })
    .join('');
}

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

/**
 * The tools that the model may call, or the grammar that holds its text to a form.
 *
 * @throws {BackendError} for what it can't be held to
 */
export async function demandsOf(
  { chat }: Asked,
  llama: Llama,
): Promise<Pick<ResponseOptions, 'functions' | 'grammar'>> {
  const { tools = [], tool_choice = 'auto', response_format } = chat ?? {};
  const isFree = response_format === undefined || response_format.type === 'text';
  if (tool_choice !== 'auto' && tool_choice !== 'none')
    throw new BackendError('This miner can not make a model call a tool: tool_choice must be auto or none');
  if (tools.length > 0 && tool_choice !== 'none') {
    if (!isFree) throw new BackendError('This miner takes tools or a response_format, not both');
    return {
      functions: Object.fromEntries(tools.map(({ function: tool }) => [tool.name, definitionOf(tool)])),
    };
  }
  if (isFree) return {};
  const schema = response_format.json_schema?.schema;
  try {
    return {
      grammar: await (schema ? llama.createGrammarForJsonSchema(schema) : llama.getGrammarFor('json')),
    };
  } catch (error) {
    throw new BackendError(`This miner can not hold a model to the response_format: ${messageOf(error)}`);
  }
}

function definitionOf({ description, parameters }: { description?: string; parameters?: object }) {
  return { ...(description !== undefined && { description }), ...(parameters && { params: parameters }) };
}

export function answered({ response, functionCalls = [], metadata }: ChatResponse): Generated {
  const toolCalls = functionCalls.map(
    ({ functionName, params }): ToolCall => ({
      id: `call_${crypto.randomUUID().replaceAll('-', '')}`,
      type: 'function',
      function: { name: functionName, arguments: JSON.stringify(params ?? {}) },
    }),
  );
  if (toolCalls.length > 0) return { text: response, toolCalls, finishReason: 'tool_calls' };
  return { text: response, finishReason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop' };
}
