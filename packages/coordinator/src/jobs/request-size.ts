import type { SubmitJob } from '@aitbc/protocol';
import type { JobContent } from './content.ts';
import type { JobRow } from './job.ts';

/** The size of a request's content, in bytes. Images and texts to embed (`media`) have a higher limit than prompts. */
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

/**
 * The most tokens that an engine makes of an image. Engines with the most tokens cut an image into as many tiles as it
 * has megapixels.
 */
const IMAGE_TOKENS = 16_384;

/** Returns the most tokens that an engine can make of the content. A token of text has at least one byte. */
export function mostTokens(request: SubmitJob, content: JobContent): number {
  const { prompt, media } = sizeOf(request, content);
  if (content.kind === 'embedding') return media;
  if (media === 0) return prompt;
  return imagesOf(request).reduce((sum, bytes) => sum + Math.min(bytes, IMAGE_TOKENS), prompt);
}

/**
 * Returns the most bytes that the request of a stored job can have. For large images only the tokens are stored, so the
 * result is the limit for requests.
 */
export function mostBytes(
  { prompt_bytes }: Pick<JobRow, 'prompt_bytes'>,
  needs: string,
  limit: number,
): number {
  if (prompt_bytes === null) return limit;
  return needs.split(',').includes('images') && prompt_bytes >= IMAGE_TOKENS ? limit : prompt_bytes;
}

/** Returns the size of each image of a chat, in bytes. */
const imagesOf = ({ messages = [] }: SubmitJob): number[] =>
  messages.flatMap(({ content }) =>
    Array.isArray(content)
      ? content.flatMap(({ image_url }) => (image_url ? [Buffer.byteLength(image_url.url)] : []))
      : [],
  );
