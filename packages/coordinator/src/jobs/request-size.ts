import type { SubmitJob } from '@aitbc/protocol';
import type { JobContent } from './content.ts';
import type { JobRow } from './job.ts';

/** Bytes of what is asked: of images and of texts to embed there may be more than of a prompt. */
export interface Size {
  prompt: number;
  media: number;
}

export function sizeOf(request: SubmitJob, { kind, text }: JobContent): Size {
  const all = Buffer.byteLength(text);
  if (kind === 'embedding') return { prompt: 0, media: all };
  const media = kind === 'chat' ? imagesOf(request).reduce((sum, bytes) => sum + bytes, 0) : 0;
  return { prompt: all - media, media };
}

/** No engine makes more tokens of an image: those with the most cut it into as many tiles as it has megapixels. */
const IMAGE_TOKENS = 16_384;

/** Tokens that an engine can make of what is asked at most: a token of a text has a byte or more. */
export function mostTokens(request: SubmitJob, content: JobContent): number {
  const { prompt, media } = sizeOf(request, content);
  if (content.kind === 'embedding') return media;
  if (media === 0) return prompt;
  return imagesOf(request).reduce((sum, bytes) => sum + Math.min(bytes, IMAGE_TOKENS), prompt);
}

/**
 * Bytes that the request of a stored job may have: its length, or where it has large images, of which only their tokens are
 * counted, as many as a request may have.
 */
export function mostBytes(
  { prompt_bytes }: Pick<JobRow, 'prompt_bytes'>,
  needs: string,
  limit: number,
): number {
  if (prompt_bytes === null) return limit;
  return needs.split(',').includes('images') && prompt_bytes >= IMAGE_TOKENS ? limit : prompt_bytes;
}

/** Bytes of each image of a chat. */
const imagesOf = ({ messages = [] }: SubmitJob): number[] =>
  messages.flatMap(({ content }) =>
    Array.isArray(content)
      ? content.flatMap(({ image_url }) => (image_url ? [Buffer.byteLength(image_url.url)] : []))
      : [],
  );
