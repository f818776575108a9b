import type { SubmitJob } from '@aitbc/sdk';

export interface Sample {
  name: string;
  /** What the sample needs, as a command where there is one. */
  needs: string;
  code: string;
}

/**
 * Returns a call as programs. They read the key from the environment variable AITBC_API_KEY, so that none has it in it.
 *
 * @param coordinator its address, such as `http://127.0.0.1:8000`
 */
export function samplesOf(coordinator: string, job: SubmitJob): Sample[] {
  return [
    { name: 'curl', needs: 'Any shell with curl.', code: curl(coordinator, job) },
    { name: 'Python', needs: 'The package aitbc-sdk.', code: python(coordinator, job) },
    { name: 'TypeScript', needs: 'The package @aitbc/sdk.', code: typescript(coordinator, job) },
    { name: 'OpenAI', needs: 'The package openai for Python.', code: openai(coordinator, job) },
  ];
}

/** The fields of a chat as OpenAI's API names them. A limit of the price is not among them. */
function chatOf({ model, messages, params = {} }: SubmitJob): Record<string, unknown> {
  return { model, messages, ...params, stream: true };
}

const json = (value: unknown) => JSON.stringify(value, null, 2);
const indented = (text: string, spaces: number) => text.replaceAll('\n', `\n${' '.repeat(spaces)}`);

const curl = (coordinator: string, job: SubmitJob) => `curl -N ${coordinator}/v1/chat/completions \\
  -H "Authorization: Bearer $AITBC_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${json(chatOf(job)).replaceAll("'", `'\\''`)}'
`;

const python = (coordinator: string, job: SubmitJob) => `import os

from aitbc import CoordinatorClient

client = CoordinatorClient("${coordinator}", os.environ.get("AITBC_API_KEY"))
for event in client.jobs.stream(
${fields(job)}
):
    if event.event == "chunk":
        print(event.data.text, end="", flush=True)
`;

const typescript = (coordinator: string, job: SubmitJob) => `import { CoordinatorClient } from '@aitbc/sdk';

const client = new CoordinatorClient('${coordinator}', { apiKey: process.env.AITBC_API_KEY });
for await (const event of client.jobs.stream(${json(job)})) {
  if (event.event === 'chunk') process.stdout.write(event.data.text);
}
`;

const openai = (coordinator: string, job: SubmitJob) => `import os

from openai import OpenAI

client = OpenAI(base_url="${coordinator}/v1", api_key=os.environ.get("AITBC_API_KEY", "unused"))
stream = client.chat.completions.create(
${fields(chatOf(job))}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
`;

/** Python's arguments. Texts, numbers, lists and objects are written as in JSON there. */
const fields = (values: object) =>
  Object.entries(values)
    .map(([name, value]) => `    ${name}=${value === true ? 'True' : indented(json(value), 4)},`)
    .join('\n');
