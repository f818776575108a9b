import type { Tool, ToolCall } from '@aitbc/protocol';
import { either, type Grammar, joined, literal } from './gbnf.ts';

/*
 * How a model writes tool calls: `<tool_call>{"name": "…", "arguments": {…}}</tool_call>` and the like. Each
 * model was trained on its own form, which its chat template shows when it renders earlier calls.
 */

export interface CallForm {
  /** The texts before the function's name, between it and the JSON arguments, and after them. */
  before: string;
  middle: string;
  after: string;
  /**
   * The text between the arguments of one call and the name of the next. Absent when only one call is
   * possible.
   */
  between?: string;
  /** The text that distinguishes a call from an answer. When it is empty, calls begin with `before`. */
  marker: string;
}

/** The form for models whose templates show none. */
export const PLAIN_FORM: CallForm = {
  before: '{"name": "',
  middle: '", "arguments": ',
  after: '}',
  marker: '',
};

type Render = (messages: never[], variables?: Record<string, unknown>) => string;

const FIRST = { name: 'marker_one', key: 'marker_a' };
const SECOND = { name: 'marker_two', key: 'marker_b' };

/** Returns undefined when arguments are not written as JSON. */
export function callFormOf(render: Render, eos: string): CallForm | undefined {
  const start = rendered(render, []);
  const one = rendered(render, [FIRST]);
  if (start === undefined || one === undefined) return undefined;
  const text = one.slice(sharedLength(start, one));
  const first = partsOf(text, FIRST, eos);
  if (!first) return undefined;
  const before = first.before.trimStart();
  const [marker = ''] = before.split('{');
  const form = { ...first, before, marker: marker.trim() };
  const two = rendered(render, [FIRST, SECOND]);
  const between = two === undefined ? undefined : betweenIn(two);
  return between === undefined ? form : { ...form, between };
}

function rendered(render: Render, calls: readonly (typeof FIRST)[]): string | undefined {
  const tool_calls = calls.map(({ name, key }, index) => ({
    ...{ id: `call0000${index}`, type: 'function' },
    function: { name, arguments: { [key]: 'v' } },
  }));
  const messages: object[] = [{ role: 'user', content: 'u' }];
  if (calls.length > 0) messages.push({ role: 'assistant', content: '', tool_calls });
  const tools = [FIRST, SECOND].map(({ name }) => ({
    type: 'function',
    function: { name, description: 'd', parameters: { type: 'object', properties: {} } },
  }));
  try {
    return render(messages as never[], { tools, add_generation_prompt: calls.length === 0 });
  } catch {
    return undefined;
  }
}

const argumentsOf = (key: string) => new RegExp(`\\{\\s*"${key}"\\s*:\\s*"v"\\s*\\}`);

function partsOf(text: string, { name, key }: typeof FIRST, eos: string) {
  const nameAt = text.indexOf(name);
  const found = argumentsOf(key).exec(text);
  if (nameAt < 0 || !found || found.index < nameAt) return undefined;
  const behind = text.slice(found.index + found[0].length);
  const end = eos === '' ? -1 : behind.indexOf(eos);
  return {
    before: text.slice(0, nameAt),
    middle: text.slice(nameAt + name.length, found.index),
    after: (end < 0 ? behind : behind.slice(0, end)).trimEnd(),
  };
}

function betweenIn(text: string): string | undefined {
  const found = argumentsOf(FIRST.key).exec(text);
  const next = text.indexOf(SECOND.name, found?.index);
  return found && next > 0 ? text.slice(found.index + found[0].length, next) : undefined;
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** The functions that may be called, each with the grammar of its arguments. */
export type Callable = readonly { name: string; parameters: string }[];

/** Allows one call or, where the form has it, several. */
export function callsGrammar(
  grammar: Grammar,
  form: CallForm,
  callable: Callable,
  isSingle: boolean,
): string {
  const calls = callable.map(({ name, parameters }) => joined(literal(name + form.middle), parameters));
  const call = grammar.rule(either(calls));
  const more = isSingle || form.between === undefined ? '' : `(${literal(form.between)} ${call})*`;
  return joined(literal(form.before), call, more, form.after === '' ? '' : literal(form.after));
}

/** Returns the complete calls in a text of the form. */
export function callsIn(text: string, { before, middle, between }: CallForm): ToolCall[] {
  const calls: ToolCall[] = [];
  let at = before.length;
  for (;;) {
    const nameEnd = text.indexOf(middle, at);
    if (nameEnd < 0) return calls;
    const start = nameEnd + middle.length;
    const end = endOfJson(text, start);
    if (end === undefined) return calls;
    calls.push(callOf(text.slice(at, nameEnd), text.slice(start, end)));
    if (between === undefined || !text.startsWith(between, end)) return calls;
    at = end + between.length;
  }
}

const callOf = (name: string, params: string): ToolCall => ({
  id: `call_${crypto.randomUUID().replaceAll('-', '')}`,
  type: 'function',
  function: { name, arguments: params },
});

/** Returns where the object that starts there ends. */
function endOfJson(text: string, start: number): number | undefined {
  let depth = 0;
  let isText = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (isText) {
      if (character === '\\') at++;
      else if (character === '"') isText = false;
    } else if (character === '"') isText = true;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Returns the tools that the model may call. */
export function allowedOf(tools: readonly Tool[], choice: unknown): readonly Tool[] {
  const { name } = Object(Object(choice).function);
  return typeof name === 'string' ? tools.filter(tool => tool.function.name === name) : tools;
}
