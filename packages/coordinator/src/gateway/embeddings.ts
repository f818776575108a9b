import {
  type EmbeddingInput,
  EmbeddingRequest,
  type Embeddings,
  type ResultEmbeddings,
} from '@aitbc/protocol';
import { type AnsweredJob, type Endpoint, jobReferences } from './endpoint.ts';
import { OpenAiError } from './errors.ts';
import { createFieldReader } from './fields.ts';
import { usageOf } from './usage.ts';

const readFields = createFieldReader(EmbeddingRequest, ['model', 'input', 'encoding_format', 'dimensions']);

export const embeddings: Endpoint = {
  read(body) {
    const { model, input, encoding_format = 'float', dimensions } = readFields(body);
    const params = dimensions === undefined ? {} : { dimensions };
    const submissions = [{ model, input: toInputs(input), params }];
    return { submissions, n: 1, stream: false, includeUsage: false, encoding: encoding_format };
  },

  answer(jobs, request): Embeddings {
    const [job] = jobs;
    const { submissions, encoding } = request;
    const vectors = vectorsOf(job);
    if (vectors.length !== submissions[0]?.input?.length) throw missingEmbeddings();
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? vector : floatsOf(vector),
      })),
      model: job.model,
      ...usageOf(jobs, request),
      aitbc: jobReferences(jobs),
    };
  },
};

/** An array of numbers is one text, given as tokens. */
function toInputs(input: EmbeddingRequest['input']): EmbeddingInput {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as EmbeddingInput);
}

function vectorsOf({ result, result_type }: AnsweredJob): readonly string[] {
  if (result_type !== 'embeddings') throw missingEmbeddings();
  return (JSON.parse(result ?? '') as ResultEmbeddings).embeddings;
}

function missingEmbeddings(): OpenAiError {
  return new OpenAiError('The miner did not return one embedding for each input', {
    ...{ reason: 'miners_failed', type: 'server_error', code: 'miner_failed', retry: false },
  });
}

/** `vector` is base64 of 32-bit floats, little-endian. */
function floatsOf(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4));
}
