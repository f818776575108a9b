/**
 * Answers single calls from batches: what comes while one is under way forms the next. `run` gets at most `most` inputs
 * and answers each, in their order.
 */
export function together<Input, Output>(
  run: (inputs: Input[]) => Promise<readonly Output[]>,
  most = 512,
): (input: Input) => Promise<Output> {
  const waiting: { input: Input; resolve(output: Output): void; reject(error: unknown): void }[] = [];
  let running = false;

  async function runAll(): Promise<void> {
    // What comes with this turn of the event loop belongs to one batch.
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
