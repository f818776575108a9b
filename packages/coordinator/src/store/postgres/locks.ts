/*
 * Advisory locks, as the arguments of PostgreSQL's functions: a number that no other program on the database takes, and
 * the schema, since coordinators in schemas of their own have nothing in common.
 */
const lock = (id: number) => `${id}, hashtext(current_schema())`;

/** Held by whoever writes, from the beginning of its transaction to the end. */
export const WRITE_LOCK = lock(741_833_101);
/** Held for as long as it listens by the coordinator that came first, see `listening.ts`. */
export const FIRST_LISTENER = lock(741_833_102);
/** Shared for as long as they listen by all others. */
export const OTHER_LISTENERS = lock(741_833_103);
/** Shared by every connection that writes, for as long as it lasts. Whoever changes the whole database takes it alone. */
export const RUNNING = lock(741_833_104);
