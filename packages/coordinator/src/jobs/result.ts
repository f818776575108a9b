import { type CompleteJob, ResultEmbeddings, ResultMessage } from '@aitbc/protocol';
import { Value } from 'typebox/value';
import { refuse } from '../store/operation.ts';

const SCHEMAS = { message: ResultMessage, embeddings: ResultEmbeddings } as const;

/** Throws Refused where a result is not what its type says. */
export function checkResult({
  result,
  result_type = 'text',
}: Pick<CompleteJob, 'result' | 'result_type'>): void {
  if (result_type === 'text' || Value.Check(SCHEMAS[result_type], parsed(result))) return;
  refuse('VALIDATION_INVALID_FORMAT', `The result is not the JSON of the type ${result_type}`, {
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
