import type { ChatRequest, JobParams, Tool } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../../backend.ts';
import { type AnswerText, createAnswerText } from './answer-text.ts';
import { allowedOf, type CallForm, callsGrammar, callsIn, PLAIN_FORM } from './call-form.ts';
import type { ChatTemplate } from './chat-template.ts';
import { createGrammar, type Grammar, joined, literal } from './gbnf.ts';
import { type Checker, checkerOf } from './schema-check.ts';
import { SchemaError } from './schema-error.ts';
import { schemaGrammar } from './schema-grammar.ts';
import type { Schema } from './schema-merge.ts';
import type { NextStep, Written } from './write.ts';

/* What the answer to a conversation must satisfy, and what it says. */

export interface Demands {
  /** The form of the answer. Without it, any text is allowed. */
  form?: { grammar: Grammar; root: string; checker?: Checker; isCalls: boolean };
  /** The calls that the model may make instead of an answer. */
  calls?: { grammar: Grammar; root: string; form: CallForm };
  /** How the model writes tool calls. */
  callForm: CallForm;
  allowed: readonly Tool[];
}

/** @throws {BackendError} with the place in the schema, for what can not be enforced */
export function demandsOf({ chat, params }: Generation, template: ChatTemplate | undefined): Demands {
  const { tools = [], tool_choice = 'auto' } = chat ?? {};
  const callForm = template?.calls ?? PLAIN_FORM;
  const allowed = tool_choice === 'none' ? [] : allowedOf(tools, tool_choice);
  const form = formOf(chat, params);
  const demands: Demands = { callForm, allowed, ...(form && { form }) };
  // A model whose template does not mention tools makes no calls on its own.
  if (allowed.length === 0 || (tool_choice === 'auto' && !template?.calls)) return demands;
  const calls = callsOf(allowed, callForm, params.parallel_tool_calls === false);
  if (tool_choice !== 'auto') return { callForm, allowed, form: { ...calls, isCalls: true } };
  return form ? demands : { ...demands, calls: { ...calls, form: callForm } };
}

function formOf(chat: ChatRequest | undefined, params: JobParams): Demands['form'] {
  const { type = 'text', json_schema } = chat?.response_format ?? {};
  // The fields of vLLM and Ollama for the same.
  const { guided_json, format } = params as Record<string, unknown>;
  const own = type === 'json_schema' ? json_schema?.schema : (guided_json ?? format);
  const isOpen = type === 'json_object' || type === 'json_schema' || own === 'json';
  const schema = typeof own === 'object' && own !== null ? own : isOpen ? { type: 'object' } : undefined;
  if (schema === undefined) return undefined;
  return asked('response_format', () => {
    const checker = checkerOf(schema as Schema);
    const grammar = createGrammar();
    return { grammar, root: schemaGrammar(grammar, schema as Schema), checker, isCalls: false };
  });
}

function callsOf(allowed: readonly Tool[], form: CallForm, isSingle: boolean) {
  const grammar = createGrammar();
  const callable = allowed.map(({ function: { name, parameters = {} } }) => ({
    name,
    parameters: asked(`tool ${name}`, () => {
      const schema = { type: 'object', ...parameters };
      checkerOf(schema);
      return schemaGrammar(grammar, schema);
    }),
  }));
  return { grammar, root: callsGrammar(grammar, form, callable, isSingle) };
}

function asked<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const isInvalid = error.kind === 'invalid';
    throw new BackendError(`The schema of the ${what} can not be enforced: ${error.message}`, {
      failureClass: isInvalid ? 'refused' : 'unsupported',
      code: isInvalid ? 'invalid_json_schema' : 'unsupported_json_schema',
      cause: error,
    });
  }
}

/** An answer while it is being written. */
export interface LlamaAnswer {
  /** The grammar from the start of the text. */
  readonly grammar: string | undefined;
  read(text: string): NextStep | undefined;
  /** @throws {BackendError} when the answer does not meet the demands */
  finish(written: Written): Generated;
}

/** @param rendered the text that the model continues */
export function createLlamaAnswer(
  { params, onToken, onReasoning }: Generation,
  demands: Demands,
  { rendered, thinks }: { rendered: string; thinks: boolean },
): LlamaAnswer {
  const { form, calls } = demands;
  const hasBegunToThink = thinks && rendered.trimEnd().endsWith('<think>');
  const thinking = hasBegunToThink ? 'open' : thinks && !form ? 'possible' : 'none';
  const isCalls = form?.isCalls === true;
  let whole = '';
  /** Where the calls begin, or the answer after the reasoning. */
  let callsAt = isCalls && thinking === 'none' ? 0 : undefined;
  let isStopped = false;
  const answer = createAnswerText({
    stops: isCalls ? [] : stopsOf(params),
    thinking,
    calls: calls && { marker: calls.form.marker, before: calls.form.before },
    onText: piece => onToken?.(piece),
    onReasoning: piece => onReasoning?.(piece),
  });

  return {
    grammar: form && thinking === 'none' ? form.grammar.text(form.root) : undefined,
    read(text) {
      whole = text;
      if (callsAt !== undefined) return undefined;
      const found = answer.read(text);
      if (found?.kind === 'stop') {
        isStopped = true;
        return 'end';
      }
      if (found?.kind === 'calls' && calls) {
        callsAt = found.at;
        return heldFrom(found.at, calls);
      }
      if (found?.kind !== 'answer') return undefined;
      if (form) {
        if (isCalls) callsAt = found.at;
        return heldFrom(found.at, form);
      }
      return this.read(text);
    },
    finish({ isCut, count }) {
      if (callsAt === undefined && !isStopped) answer.end();
      const reasoning = answer.reasoning === '' ? {} : { reasoning: answer.reasoning };
      const generated = { text: answer.text, ...reasoning };
      if (callsAt !== undefined) return { ...generated, ...called(whole.slice(callsAt), demands, isCut) };
      if (form?.checker && !isCut && !isStopped) checkAnswer(answer, form.checker, count);
      return { ...generated, finishReason: isCut ? 'length' : 'stop' };
    },
  };
}

function heldFrom(at: number, { grammar, root }: { grammar: Grammar; root: string }): NextStep {
  return {
    at,
    grammarAfter: begun => grammar.text(joined(begun === '' ? '' : literal(begun), root)),
  };
}

function checkAnswer({ text }: AnswerText, { isValid, error }: Checker, count: number): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BackendError(`The model's answer of ${count} tokens is not JSON`);
  }
  if (!isValid(value)) throw new BackendError(`The model's answer does not match the schema: ${error()}`);
}

/** An incomplete call does not count. */
function called(
  text: string,
  { callForm, allowed }: Demands,
  isCut: boolean,
): Pick<Generated, 'toolCalls' | 'finishReason'> {
  if (isCut) return { finishReason: 'length' };
  const toolCalls = callsIn(text.trimStart(), callForm);
  if (toolCalls.length === 0) throw new BackendError('The model did not call a tool');
  for (const { function: call } of toolCalls) {
    const tool = allowed.find(({ function: { name } }) => name === call.name);
    if (!tool) throw new BackendError(`The model called an unknown tool: ${call.name}`);
    const { isValid, error } = checkerOf({ type: 'object', ...tool.function.parameters });
    if (!isValid(JSON.parse(call.arguments)))
      throw new BackendError(`The arguments of ${call.name} do not match its schema: ${error()}`);
  }
  return { toolCalls, finishReason: 'tool_calls' };
}

function stopsOf({ stop }: JobParams): string[] {
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  return stops.filter(text => typeof text === 'string' && text !== '') as string[];
}
