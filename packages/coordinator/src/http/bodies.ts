import type { FastifyInstance } from 'fastify';
import { refuse } from '../store/operation.ts';

/** Deeper than any request needs, and far from where serializers run out of stack. */
const MAX_DEPTH = 64;

/**
 * Takes JSON bodies, and none when there is none: clients that send the content type with every request may call
 * routes that need no body. Text is Unicode, so that it has a hash: a lone surrogate becomes U+FFFD, as in any
 * encoding to UTF-8. Throws Refused for what is nested too deeply.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    if (text === '') return done(null, undefined);
    parse(request, text, (error, body) => {
      if (error) return done(error);
      try {
        done(null, wellFormed(body, 0));
      } catch (refusal) {
        done(refusal as Error);
      }
    });
  });
}

/** The same value, changed only where a text in it is not Unicode. */
function wellFormed(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH)
    refuse('VALIDATION_OUT_OF_RANGE', `The body is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = wellFormed(item, depth + 1);
    return value;
  }
  const members = value as Record<string, unknown>;
  for (const [name, member] of Object.entries(members)) {
    const sound = wellFormed(member, depth + 1);
    if (!name.isWellFormed()) delete members[name];
    if (sound !== member || !name.isWellFormed()) members[name.toWellFormed()] = sound;
  }
  return members;
}
