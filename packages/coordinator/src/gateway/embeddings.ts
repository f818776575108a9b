import { EmbeddingRequest, type Embeddings, type ResultEmbeddings } from '@aitbc/protocol';
import { type Answered, type Endpoint, originOf, usageOf } from './endpoint.ts';
import { OpenAiError } from './errors.ts';
import { fieldsBy } from './fields.ts';

const readFields = fieldsBy(EmbeddingRequest, ['model', 'input', 'encoding_format', 'dimensions']);

/** `POST /v1/embeddings`. */
export const embeddings: Endpoint = {
  read(body) {
    const { model, input, encoding_format = 'float', dimensions } = readFields(body);
    const params = dimensions === undefined ? {} : { dimensions };
    const submission = { model, input: [input].flat(), params };
    return { submission, stream: false, includeUsage: false, encoding: encoding_format };
  },

  answer(job, { submission, encoding }): Embeddings {
    const vectors = vectorsIn(job);
    if (vectors.length !== submission.input?.length) throw noEmbeddings();
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? vector : floatsOf(vector),
      })),
      model: job.model,
      ...usageOf(job),
      aitbc: originOf(job),
    };
  },
};

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
