/*
 * Advisory locks, as arguments of PostgreSQL's functions: a number that other programs on the database are unlikely to
 * use, and the schema, since coordinators in different schemas are independent.
 */
const lock = (id: number) => `${id}, hashtext(current_schema())`;

/** Held by each write transaction, from its beginning to its end. */
export const WRITE_LOCK = lock(741_833_101);
/** Held by the first coordinator that listens, for as long as it does. See `listener-locks.ts`. */
export const FIRST_LISTENER = lock(741_833_102);
/** Shared by all other coordinators that listen, for as long as they do. */
export const OTHER_LISTENERS = lock(741_833_103);
/** Shared by every connection that writes, for as long as it lasts. An import or a restore takes it exclusively. */
export const COORDINATOR_RUNNING = lock(741_833_104);
