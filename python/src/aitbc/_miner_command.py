"""``aitbc-py miner``: runs a function as a miner."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

from ._miner import Miner
from .errors import UsageError

HELP = """\
The function is one that is decorated with @aitbc.miner(models=[…]), named by its module or its file:

  aitbc-py miner shout:shout --coordinator http://127.0.0.1:8000
  aitbc-py miner ./shout.py:shout --concurrency 4

Stop it with Ctrl-C: it claims nothing more and finishes what runs. A second Ctrl-C hands that back at once.
"""


def add_miner(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "miner",
        help="run a Python function as a miner",
        description="Runs a Python function as a miner: jobs go to it, results and earnings come of it.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="where the function is")
    parser.add_argument("--coordinator", metavar="URL", help="the coordinator (env AITBC_COORDINATOR)")
    parser.add_argument("--api-key", metavar="KEY", help="your key (better in env AITBC_API_KEY)")
    parser.add_argument("--model", action="append", help="in place of the function's own; can be repeated")
    parser.add_argument("--concurrency", type=int, metavar="N", help="jobs at once, in place of the function's own")
    parser.add_argument("--state", metavar="DIR", help="folder of the key that signs results")
    parser.add_argument("--miner-id", metavar="ID", help="made of host, function and key unless given")
    parser.add_argument("--address", metavar="ait1…", help="where its earnings go")
    parser.add_argument("--region", help="where it is, such as eu-west")
    parser.add_argument("--max-jobs", type=int, metavar="N", help="end after so many")
    parser.add_argument(
        "--shutdown-timeout", type=float, default=30, metavar="S", help="seconds that running jobs get at the end"
    )
    parser.set_defaults(run=run_miner)


def run_miner(options: argparse.Namespace) -> int:
    miner = _configured(load(options.function), options)
    miner.run(
        options.coordinator,
        api_key=options.api_key,
        state=options.state,
        miner_id=options.miner_id,
        concurrency=options.concurrency,
        max_jobs=options.max_jobs or math.inf,
        shutdown_timeout=options.shutdown_timeout,
        on_event=_print_event,
    )
    return 0


def load(name: str) -> Any:
    """What a module or a file calls by a name: ``module:function``, ``folder/file.py:function``."""
    module, colon, attribute = name.rpartition(":")
    if not colon or not module:
        raise UsageError(f"{name} names no function: it looks like module:function")
    path = Path(module)
    if path.suffix == ".py":
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.exists():
            raise UsageError(f"There is no file {module}")
        sys.path.insert(0, str(path.resolve().parent))
        found = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = found
        spec.loader.exec_module(found)
    else:
        sys.path.insert(0, str(Path.cwd()))
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and module.startswith(error.name):
                raise UsageError(f"There is no module {module}") from error
            raise
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{module} has no {attribute}")
        found = getattr(found, part)
    return found


def _configured(found: Any, options: argparse.Namespace) -> Miner:
    if isinstance(found, Miner):
        return found.with_options(models=options.model, address=options.address, region=options.region)
    if not callable(found):
        raise UsageError(f"{options.function} is no function")
    if not options.model:
        raise UsageError(f"{options.function} is not decorated with @aitbc.miner(models=[…]): say --model NAME")
    return Miner(found, models=options.model, address=options.address, region=options.region)


def _print_event(event: str, told: dict[str, Any]) -> None:
    line = _LINES.get(event, event + " " + " ".join(f"{name}={value}" for name, value in told.items()))
    print(_one_line(line.format(**told) if event in _LINES else line), flush=True)


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


_LINES = {
    "registered": "Waiting for jobs for {models} as {miner_id}. Earnings go to {address}",
    "disconnected": "The coordinator does not answer: {error}",
    "reconnected": "The coordinator answers again",
    "job_started": "{job_id} started: {model}, attempt {attempt}",
    "job_completed": "{job_id} completed in {seconds} s, earned {credits} credits, {total_credits} in all",
    "job_failed": "{job_id} failed ({error_class}): {error}",
    "job_stopped": "{job_id} stopped: {reason}",
    "job_released": "{job_id} handed back: {reason}",
    "job_lost": "{job_id}: the coordinator could not be told how it ended: {error}",
    "stopping": "Stopping: {running} running, which get {timeout_seconds:g} s. Ctrl-C hands them back at once",
    "stopped": "Stopped after {completed} jobs, which earned {total_credits} credits",
    "superseded": "Another process runs as this miner now: {error}",
}
