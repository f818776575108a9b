import {
  type EmbeddingInput,
  EmbeddingRequest,
  type Embeddings,
  type ResultEmbeddings,
} from '@aitbc/protocol';
import { type Answered, type Endpoint, originOf } from './endpoint.ts';
import { OpenAiError } from './errors.ts';
import { fieldsBy } from './fields.ts';
import { usageOf } from './usage.ts';

const readFields = fieldsBy(EmbeddingRequest, ['model', 'input', 'encoding_format', 'dimensions']);

/** `POST /v1/embeddings`. */
export const embeddings: Endpoint = {
  read(body) {
    const { model, input, encoding_format = 'float', dimensions } = readFields(body);
    const params = dimensions === undefined ? {} : { dimensions };
    const submissions = [{ model, input: inputsIn(input), params }];
    return { submissions, n: 1, stream: false, includeUsage: false, encoding: encoding_format };
  },

  answer(jobs, asked): Embeddings {
    const [job] = jobs;
    const { submissions, encoding } = asked;
    const vectors = vectorsIn(job);
    if (vectors.length !== submissions[0]?.input?.length) throw noEmbeddings();
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? vector : floatsOf(vector),
      })),
      model: job.model,
      ...usageOf(jobs, asked),
      aitbc: originOf(jobs),
    };
  },
};

/** An array of numbers is one text. */
function inputsIn(input: EmbeddingRequest['input']): EmbeddingInput {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as EmbeddingInput);
}

function vectorsIn({ result, result_type }: Answered): readonly string[] {
  if (result_type !== 'embeddings') throw noEmbeddings();
  return (JSON.parse(result ?? '') as ResultEmbeddings).embeddings;
}

function noEmbeddings(): OpenAiError {
  return new OpenAiError('The miner answered with something other than an embedding for each input', {
    ...{ status: 502, type: 'server_error', code: 'miner_failed', retry: false },
  });
}

/** Base64 of 32-bit floats, little-endian. */
function floatsOf(vector: string): number[] {
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4));
}
