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
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except UsageError as error:
        print(f"aitbc-py: {error}", file=sys.stderr)
        return 2
    except (AitbcError, ValueError) as error:
        print(f"aitbc-py: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
