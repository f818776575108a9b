import type { ColumnType } from 'kysely';

/** Milliseconds since the Unix epoch. */
export type Time = number;
/** JSON text. */
export type Json = string;
/** Millionths of a credit, a whole number. */
export type MicroCredits = number;
export type Flagless<T> = ColumnType<T, T | undefined, T>;
