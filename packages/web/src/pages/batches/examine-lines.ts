/** What is wrong with a line of a file of requests. */
export interface LineFault {
  /** From 1. */
  line: number;
  message: string;
}

export interface ExaminedLines {
  endpoint: string | undefined;
  requests: number;
  faults: LineFault[];
}

const ENDPOINTS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'];

/** Faults of one file that are shown. */
const MAX_FAULTS = 100;

/**
 * Looks for what is wrong with the lines of a file before it is uploaded. The coordinator checks the rest.
 *
 * @param text JSON lines, each `{"custom_id":…,"method":"POST","url":…,"body":…}`
 */
export function examineLines(text: string): ExaminedLines {
  const ids = new Map<string, number>();
  const faults: LineFault[] = [];
  let endpoint: string | undefined;
  let requests = 0;
  for (const [index, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    requests++;
    const line = index + 1;
    const found = examineLine(content);
    if (typeof found === 'string') {
      faults.push({ line, message: found });
      continue;
    }
    endpoint ??= found.url;
    if (found.url !== endpoint)
      faults.push({ line, message: `url is ${found.url}, but the first line has ${endpoint}` });
    const earlier = ids.get(found.customId);
    if (earlier !== undefined)
      faults.push({ line, message: `custom_id ${found.customId} is in line ${earlier} already` });
    else ids.set(found.customId, line);
  }
  return { endpoint, requests, faults: faults.slice(0, MAX_FAULTS) };
}

/** Returns what all lines must agree on, or what is wrong with this one. */
function examineLine(content: string): { url: string; customId: string } | string {
  let line: unknown;
  try {
    line = JSON.parse(content);
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'This is not a JSON object';
  const { custom_id, url, body } = line as Record<string, unknown>;
  if (typeof custom_id !== 'string' || custom_id === '') return 'custom_id must be a text';
  if (typeof url !== 'string' || !ENDPOINTS.includes(url))
    return `url must be one of ${ENDPOINTS.join(', ')}`;
  if (typeof body !== 'object' || body === null) return 'body must be the request, as an object';
  return { url, customId: custom_id };
}
