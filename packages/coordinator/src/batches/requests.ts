import { LIMITS, type SubmitJob } from '@aitbc/protocol';
import type { Asked, Endpoint } from '../gateway/endpoint.ts';
import { invalid } from '../gateway/errors.ts';
import { parseJson } from '../json.ts';

/** A request of a batch, as its line says. */
export interface BatchRequest {
  customId: string;
  asked: Asked;
  submission: SubmitJob;
}

const FIELDS = ['custom_id', 'method', 'url', 'body'];

/**
 * Reads a line of a batch's file.
 *
 * @param path of the endpoint, which all requests of a batch are to
 * @throws {OpenAiError} where it is no such request, or one that is not served
 */
export function readRequest(text: string, path: string, endpoint: Endpoint): BatchRequest {
  const fields = fieldsOf(text);
  const unknown = Object.keys(fields).find(name => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`${unknown} is not known`, unknown, 'unknown_parameter');
  const { custom_id: customId, method, url, body } = fields;
  if (typeof customId !== 'string' || customId === '' || customId.length > LIMITS.customIdLength) {
    const detail = `custom_id must be a text of 1 to ${LIMITS.customIdLength} characters`;
    throw invalid(detail, 'custom_id', 'invalid_value');
  }
  if (method !== 'POST') throw invalid('method must be POST', 'method', 'invalid_value');
  if (url !== path) throw invalid(`url must be ${path}, as the batch says`, 'url', 'mismatched_url');
  const asked = endpoint.read(body);
  const [submission, other] = asked.submissions;
  if (!submission || other)
    throw invalid(
      'A request of a batch has one choice',
      asked.n > 1 ? 'body.n' : 'body.prompt',
      'unsupported_value',
    );
  if (asked.stream) throw invalid('Answers to a batch are not streamed', 'body.stream', 'unsupported_value');
  return { customId, asked, submission };
}

function fieldsOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalid(`The line is no JSON: ${(error as Error).message}`, undefined, 'invalid_json_line');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid('The line is no JSON object', undefined, 'invalid_json_line');
}
