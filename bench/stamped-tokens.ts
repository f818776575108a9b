/** Returns microseconds of the clock that all processes of a machine share. It starts anywhere. */
export const sharedMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Returns a token whose text is the time at which it was sent. */
export const stampedToken = (): string => `@${sharedMicros()} `;

/** Returns the times in a text of stamped tokens, in the microseconds of `sharedMicros`. */
export const stampsIn = (text: string): number[] =>
  Array.from(text.matchAll(/@(\d+) /g), ([, stamp]) => Number(stamp));
