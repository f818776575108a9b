/**
 * Combines single calls into batches: calls that come while one batch runs form the next one. `run` gets at
 * most `most` inputs and returns a result for each, in their order.
 */
export function together<Input, Output>(
  run: (inputs: Input[]) => Promise<readonly Output[]>,
  most = 512,
): (input: Input) => Promise<Output> {
  const waiting: { input: Input; resolve(output: Output): void; reject(error: unknown): void }[] = [];
  let running = false;

  async function runAll(): Promise<void> {
    // All calls of this turn of the event loop belong to one batch.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most);
      try {
        const outputs = await run(batch.map(({ input }) => input));
        for (const [index, { resolve }] of batch.entries()) resolve(outputs[index] as Output);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return input =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject });
      if (running) return;
      running = true;
      void runAll();
    });
}
