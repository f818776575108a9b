import { parse } from 'secure-json-parse';
import { refuse } from './store/operation.ts';

/** Deeper than any request needs, and far from where serializers run out of stack. */
const MAX_DEPTH = 64;

/** A text as `takeJsonBodies` takes bodies. Throws SyntaxError, or Refused for what is nested too deeply. */
export function parseJson(text: string): unknown {
  return wellFormed(parse(text));
}

/** The same value, changed only where a text in it is not Unicode. Throws Refused for what is nested too deeply. */
export function wellFormed(value: unknown, depth = 0): unknown {
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
