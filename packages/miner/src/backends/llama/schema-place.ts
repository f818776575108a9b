import type { Grammar } from './gbnf.ts';
import type { Schema } from './schema-merge.ts';

/** Where one is in a schema. */
export interface Place {
  readonly grammar: Grammar;
  readonly root: Schema;
  /** JSON pointer, for errors. */
  readonly path: string;
  readonly depth: number;
  /** References that were followed without a character in between. */
  readonly following: ReadonlySet<string>;
  /** Rules of references, by pointer. Null where nothing satisfies them. */
  readonly references: Map<string, string | null>;
  /** Schemas that may still be written out. */
  readonly budget: { places: number };
  /** What a schema within this one allows: null where nothing satisfies it. */
  readonly visit: (schema: unknown, place: Place) => string | null;
}

/** After a comma or colon. */
export const SPACE = '" "?';

/** One level into a schema, where no character is written. */
export const deeper = (place: Place, step = ''): Place => ({
  ...place,
  path: place.path + step,
  depth: place.depth + 1,
});

/** Into the schema of a part of the value. */
export const within = (place: Place, step: string): Place => ({
  ...deeper(place, step),
  following: new Set(),
});
