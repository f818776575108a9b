/** Returns a key for one thing that is to be done once. A page repeats it until that is done, whatever fails meanwhile. */
export const newIdempotencyKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
