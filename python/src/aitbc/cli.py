"""The command ``aitbc-py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._miner_command import add_miner
from ._verify_command import add_verify
from ._version import __version__
from .errors import AitbcError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and tells its exit code."""
    parser = argparse.ArgumentParser(
        prog="aitbc-py", description="Checks receipts of AITBC, and runs Python functions as miners."
    )
    parser.add_argument("--version", action="version", version=f"aitbc-sdk {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_verify(commands)
    add_miner(commands)
    options = parser.parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        code: int = options.run(options)
    except UsageError as error:
        print(f"aitbc-py: {error}", file=sys.stderr)
        return 2
    except (AitbcError, ValueError) as error:
        print(f"aitbc-py: {error}", file=sys.stderr)
        return 1
    return code


def _joined(arguments: Sequence[str]) -> list[str]:
    """A key may begin with a dash, which argparse would take for an option where it stands alone."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--key":
            joined[-1] = f"--key={argument}"
        else:
            joined.append(argument)
    return joined


if __name__ == "__main__":
    sys.exit(main())
