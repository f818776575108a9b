import { test } from 'vitest';
import { runPytest } from './pytest.ts';

test("the Python package's own tests", { timeout: 480_000 }, context => runPytest(context));
