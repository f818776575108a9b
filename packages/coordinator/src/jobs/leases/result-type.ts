import { type CompleteJob, ResultEmbeddings, ResultMessage } from '@aitbc/protocol';
import { Value } from 'typebox/value';
import { fail } from '../../errors.ts';

const SCHEMAS = { message: ResultMessage, embeddings: ResultEmbeddings } as const;

/** Whether a result has the format of its type. */
export function isOfItsType({
  result,
  result_type = 'text',
}: Pick<CompleteJob, 'result' | 'result_type'>): boolean {
  return result_type === 'text' || Value.Check(SCHEMAS[result_type], parsed(result));
}

export function failResult({ result_type }: Pick<CompleteJob, 'result_type'>): never {
  fail('VALIDATION_INVALID_FORMAT', `The result is not the JSON of the type ${result_type}`, {
    field: 'result',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
