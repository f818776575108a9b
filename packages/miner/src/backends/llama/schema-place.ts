import type { Grammar } from './gbnf.ts';
import type { Schema } from './schema-merge.ts';

/** A place in a schema. */
export interface SchemaPlace {
  readonly grammar: Grammar;
  readonly root: Schema;
  /** A JSON pointer for errors. */
  readonly path: string;
  readonly depth: number;
  /** References that were followed without writing a character. */
  readonly following: ReadonlySet<string>;
  /** Rules of references by pointer. Null when no value is valid. */
  readonly references: Map<string, string | null>;
  /** How many schemas may still be expanded. */
  readonly budget: { places: number };
  /** Returns what an inner schema allows; null when no value is valid. */
  readonly visit: (schema: unknown, place: SchemaPlace) => string | null;
}

/** Follows a comma or colon. */
export const SPACE = '" "?';

/** Goes one level into a schema without writing a character. */
export const deeper = (place: SchemaPlace, step = ''): SchemaPlace => ({
  ...place,
  path: place.path + step,
  depth: place.depth + 1,
});

/** Goes into the schema of a part of the value. */
export const intoPart = (place: SchemaPlace, step: string): SchemaPlace => ({
  ...deeper(place, step),
  following: new Set(),
});
