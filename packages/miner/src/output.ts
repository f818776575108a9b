import type { AnswerDetails, CompleteJob, MinerJob, ResultEmbeddings, ResultMessage } from '@aitbc/protocol';
import { type Backend, BackendError, type Embedding, type Generated, type Generation } from './backend.ts';

/** What a job produced, in the fields of a completion. */
export type JobOutput = Pick<
  CompleteJob,
  'result' | 'result_type' | 'finish_reason' | 'usage' | keyof AnswerDetails
> &
  Pick<Generated, 'renderedPrompt'>;

/** Runs a job on the backend: embeds texts, or answers a conversation or a prompt. */
export async function runOnBackend(
  backend: Backend,
  { prompt, messages, tools, tool_choice, response_format, input }: MinerJob,
  how: Omit<Generation, 'prompt' | 'chat'>,
): Promise<JobOutput> {
  if (input) return await embed(backend, { ...how, input });
  const chat = messages && {
    messages,
    ...(tools && { tools }),
    ...(tool_choice && { tool_choice }),
    ...(response_format && { response_format }),
  };
  return answered(await backend.generate({ ...how, prompt, ...(chat && { chat }) }));
}

function answered({
  text,
  toolCalls = [],
  finishReason,
  usage,
  renderedPrompt,
  ...details
}: Generated): JobOutput {
  // A lone surrogate has no UTF-8, so nobody could check the hash of the text.
  const content = text.toWellFormed();
  const message: ResultMessage = { content: content === '' ? null : content, tool_calls: toolCalls };
  return {
    ...(toolCalls.length > 0
      ? { result: JSON.stringify(message).toWellFormed(), result_type: 'message' }
      : { result: content }),
    ...(finishReason && { finish_reason: finishReason }),
    ...(usage && { usage }),
    ...(renderedPrompt !== undefined && { renderedPrompt: renderedPrompt.toWellFormed() }),
    ...detailsOf(details),
  };
}

/** Leaves out empty details. */
function detailsOf({ reasoning, refusal, logprobs }: AnswerDetails): AnswerDetails {
  return {
    ...(reasoning && { reasoning: reasoning.toWellFormed() }),
    ...(refusal && { refusal: refusal.toWellFormed() }),
    ...(logprobs?.length && { logprobs }),
  };
}

async function embed(backend: Backend, embedding: Embedding): Promise<JobOutput> {
  if (!backend.embed) {
    throw new BackendError(`${backend.name} does not embed texts`, { failureClass: 'unsupported' });
  }
  const { vectors, usage } = await backend.embed(embedding);
  const result: ResultEmbeddings = { embeddings: vectors.map(base64Of) };
  return { result: JSON.stringify(result), result_type: 'embeddings', ...(usage && { usage }) };
}

/** Returns the base64 of 32-bit floats, little-endian. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
