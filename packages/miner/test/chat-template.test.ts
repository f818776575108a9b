import type { ChatMessage } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { callsGrammar, callsIn } from '../src/backends/llama/call-form.ts';
import { createChatTemplate } from '../src/backends/llama/chat-template.ts';
import { createGrammar } from '../src/backends/llama/gbnf.ts';
import { sample } from './gbnf-sampler.ts';

const tokens = { bos: '<s>', eos: '</s>' };
const user = (content: string): ChatMessage => ({ role: 'user', content });

const PLAIN = `{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;
const STRICT = `{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system role') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]`;

/** The forms of Hermes and Qwen, and of Mistral. */
const TAGGED = `{% if tools %}<tools>{% for t in tools %}{{ t | tojson }}{% endfor %}</tools>{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}
<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;
const LISTED = `{% if tools %}[TOOLS]{{ tools | tojson }}[/TOOLS]{% endif %}{% for m in messages %}{% if m.tool_calls %}[CALLS][{% for c in m.tool_calls %}{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}{% if not loop.last %}, {% endif %}{% endfor %}]</s>{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}`;

test('a conversation is rendered by the template and nothing else', () => {
  const { render, calls } = createChatTemplate(PLAIN, tokens);
  expect(render({ messages: [user('Hi')] })).toBe('<user>Hi</s><assistant>');
  expect(calls).toBeUndefined();
});

test('an answer already begun is continued', () => {
  const { render } = createChatTemplate(PLAIN, tokens);
  const messages: ChatMessage[] = [user('Count'), { role: 'assistant', content: 'One,' }];
  expect(render({ messages })).toBe('<user>Count</s><assistant>One,');
});

test('without a system role in the template, its text goes before the next message', () => {
  const { render } = createChatTemplate(STRICT, tokens);
  const messages: ChatMessage[] = [{ role: 'system', content: 'Be brief.' }, user('Hi')];
  expect(render({ messages })).toBe('<s>[user]Be brief.\nHi[assistant]');
});

test('a conversation that the template rejects is the client’s fault', () => {
  const { render } = createChatTemplate(`{{ raise_exception('Roles must alternate') }}`, tokens);
  expect(() => render({ messages: [user('Hi')] })).toThrow(/Roles must alternate/);
});

test.each([
  ['tagged', TAGGED, '<tool_call>'],
  ['listed', LISTED, '[CALLS]['],
])('calls are parsed in the template’s form: %s', (_, source, marker) => {
  const { calls: form } = createChatTemplate(source, tokens);
  if (!form) throw new Error('No form was found');
  expect(form.marker).toBe(marker);
  const grammar = createGrammar();
  const callable = [
    { name: 'get_time', parameters: '"{" "}"' },
    { name: 'get_weather', parameters: String.raw`"{\"a\": [\"}\"]}"` },
  ];
  const gbnf = grammar.text(callsGrammar(grammar, form, callable, false));
  const counts = new Set<number>();
  for (let seed = 1; seed < 40; seed++) {
    let state = seed;
    const text = sample(gbnf, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    });
    const calls = callsIn(text, form);
    counts.add(calls.length);
    for (const { function: call } of calls) {
      expect(call.arguments).toBe(call.name === 'get_time' ? '{}' : '{"a": ["}"]}');
    }
  }
  expect(Math.max(...counts)).toBeGreaterThan(1);
});
