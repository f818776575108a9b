import { BackendError, type Embedded, type Embedding } from '../../backend.ts';
import { type EmbeddingContext, errorText, type LlamaModel } from './node-llama-cpp.ts';

/** Embeds texts with a loaded model. The context takes memory, so it is created at the first use. */
export function createEmbedder(model: LlamaModel, contextSize: number) {
  let making: Promise<EmbeddingContext> | undefined;

  async function context(): Promise<EmbeddingContext> {
    making ??= model.createEmbeddingContext({ contextSize });
    return await making.catch(error => {
      making = undefined;
      throw new BackendError(`This model can not embed texts here: ${errorText(error)}`, {
        failureClass: 'unsupported',
        cause: error,
      });
    });
  }

  /** @throws {BackendError} */
  return async ({ input, params, signal }: Embedding): Promise<Embedded> => {
    const made = await context();
    demandKnown(input, vocabularyOf(model));
    const lengths = input.map(text => made.calculateInputLength(text));
    const longest = lengths.findIndex(length => length > contextSize);
    if (longest >= 0) {
      throw new BackendError(`Text ${longest} is too long: this miner takes ${contextSize} tokens`, {
        failureClass: 'refused',
        code: 'context_length_exceeded',
      });
    }
    const vectors: number[][] = [];
    for (const text of input) {
      signal.throwIfAborted();
      const { vector } = await made.getEmbeddingFor(text);
      if (params.dimensions !== undefined && params.dimensions !== vector.length) {
        throw new BackendError(`This model embeds in ${vector.length} dimensions only`, {
          failureClass: 'unsupported',
        });
      }
      vectors.push(normalized(vector));
    }
    return { vectors, usage: { prompt_tokens: lengths.reduce((sum, length) => sum + length, 0) } };
  };
}

/** Returns the size of the model's vocabulary. Undefined when its file does not list the tokens. */
function vocabularyOf({ fileInfo: { metadata } }: LlamaModel): number | undefined {
  const { length } = Object(Object(Object(metadata.tokenizer).ggml).tokens);
  return typeof length === 'number' ? length : undefined;
}

/**
 * Throws for tokens that the model does not have, such as another model's, because the engine fails on them.
 */
function demandKnown(input: Embedding['input'], vocabulary = Infinity): void {
  for (const [index, text] of input.entries()) {
    const unknown = typeof text === 'string' ? undefined : text.find(token => token >= vocabulary);
    if (unknown === undefined) continue;
    throw new BackendError(
      `Text ${index} has the token ${unknown}: the tokens of this model are below ${vocabulary}`,
      {
        failureClass: 'refused',
        code: 'invalid_value',
      },
    );
  }
}

/** Scales to length 1, like the vectors of OpenAI's API. */
function normalized(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map(number => (length === 0 ? 0 : number / length));
}
