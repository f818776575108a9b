import { inject, test } from 'vitest';
import { runPytest } from './pytest.ts';

// The slow ones are run by .ci/run.
test("the Python package's own tests", { timeout: 480_000 }, context =>
  runPytest(context, ['-m', 'not slow'], {
    AITBC_COMMAND: `'${process.execPath}' '${inject('programs').main}'`,
  }),
);
