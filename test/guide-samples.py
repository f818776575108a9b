"""Runs the Python samples of a guide, each in a process that is forked from this one.

Reads the path of a sample from each line of standard input. The sample gets the environment variables in the file
``PATH.env`` and prints to ``PATH.printed``. Its exit code is written to standard output. The imports below take longer than
most samples do.
"""

import os
import runpy
import sys
import traceback

import httpx  # noqa: F401
import openai  # noqa: F401

import aitbc  # noqa: F401


def run(path: str) -> int:
    printed = os.open(f"{path}.printed", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for output in (1, 2):
        os.dup2(printed, output)
    with open(f"{path}.env", "rb") as file:
        pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if pair]
    os.environb.clear()
    os.environb.update({name: value for name, _, value in pairs})
    sys.argv = [path]
    sys.path[0] = os.path.dirname(path)
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.exit(run(line.rstrip("\n")))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
