"""Makes the synchronous client of the asynchronous one, and the list of everything in api.md.

python generate.py           writes both
python generate.py --check   names what is not as it would be written, and exits with 1
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE = HERE / "src/aitbc/_async"
TARGET = HERE / "src/aitbc/_sync"

RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b(_?)Async(?=[A-Z])", r"\1"),
    (r"__a(iter|next|enter|exit)__", r"__\1__"),
    (r"\ba(iter_bytes|iter_sse|close|read)\b", r"\1"),
    (r"^import asyncio\n", "import time\n"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"cancelling the task that waits for an event, or Ctrl-C,", "Ctrl-C"),
    (
        r"The asynchronous client\. [^\"]*",
        "The synchronous client, made by ``generate.py`` of the asynchronous one.",
    ),
]


def synchronous(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return formatted(text)


def formatted(text: str) -> str:
    for command in (["check", "--fix", "--select", "I,F401", "--silent", "--exit-zero"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET / "file.py"), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, check=True, text=True, cwd=HERE).stdout  # noqa: S603
    return text


def clients() -> dict[Path, str]:
    return {TARGET / path.name: synchronous(path.read_text()) for path in sorted(SOURCE.glob("*.py"))}


def listed() -> str:
    """Everything public, with what it takes and what it is for."""
    sys.path.insert(0, str(HERE / "src"))
    import aitbc
    from aitbc import errors, models, verify

    client = aitbc.CoordinatorClient("http://127.0.0.1:8000")
    resources: list[tuple[str, object]] = [
        (f"client.{name}", value) for name, value in vars(client).items() if not name.startswith("_")
    ]
    of_package = [name for name in aitbc.__all__ if inspect.isclass(getattr(aitbc, name))]
    is_error = {name: issubclass(getattr(aitbc, name), Exception) for name in of_package}
    parts = [
        INTRODUCTION,
        "## CoordinatorClient\n",
        _entry("CoordinatorClient", aitbc.CoordinatorClient),
        *_methods("client", aitbc.CoordinatorClient),
        *(line for name, value in resources for line in ("", f"### {name}\n", *_methods(name, type(value)))),
        "",
        *_methods("ledger", aitbc.Ledger),
        "\n## Miners\n",
        _entry("aitbc.miner", aitbc.miner),
        *(line for name in MINERS for line in _class(name, getattr(aitbc, name))),
        "\n## Errors\n",
        *(_plain(name, getattr(aitbc, name)) for name in of_package if is_error[name]),
        f"\n`ErrorCode`: {', '.join(f'`{code}`' for code in typing.get_args(errors.ErrorCode))}",
        "\n## aitbc.verify\n",
        *(_entry(name, getattr(verify, name)) for name in verify.__all__ if callable(getattr(verify, name))),
        "\n## aitbc.models\n",
        *(_plain(name, getattr(models, name)) for name in models.__all__),
    ]
    return "\n".join(parts) + "\n"


INTRODUCTION = """# Everything in aitbc-sdk

Written by `python generate.py`. `AsyncCoordinatorClient` has the same resources and methods as `CoordinatorClient`, to
be awaited; `stream`, `events`, `lines`, `wait_all`, `results` and lists are iterated with `async for`.
"""
MINERS = ["Miner", "ClaimedJob", "Output", "Reasoning", "MinerError", "Refused", "Unsupported", "Busy"]


def _entry(name: str, value: Any) -> str:
    try:
        signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(value)))
        signature = signature.replace("(self, ", "(").replace("(self)", "()").replace("builtins.", "")
    except ValueError:
        signature = ""
    if inspect.isclass(value) or " -> " not in signature:
        signature = signature.partition(" -> ")[0]
    return f"- `{name}{signature}`: {_first(value)}"


def _class(name: str, value: Any) -> list[str]:
    own = _plain if hasattr(value, "model_fields") else _entry
    return [own(name, value), *_methods(name, value)]


def _plain(name: str, value: Any) -> str:
    fields = ", ".join(f"`{field}`" for field in getattr(value, "model_fields", getattr(value, "__annotations__", {})))
    return f"- `{name}`: {_first(value)}" + (f" Has {fields}." if fields else "")


def _first(value: Any) -> str:
    text = " ".join((inspect.getdoc(value) or "").strip().split("\n\n")[0].split()).replace("``", "`")
    return "one of the events." if text.startswith(("typing.", "Runtime representation")) else text


def _methods(prefix: str, owner: type) -> list[str]:
    found: list[str] = []
    for kind in reversed(owner.__mro__):
        if not kind.__module__.startswith("aitbc") or kind.__module__.startswith("aitbc.models"):
            continue
        for name, value in vars(kind).items():
            line = f"- `{prefix}.{name}`: {_first(value)}" if isinstance(value, property) else ""
            if inspect.isfunction(value) and not name.startswith(("_", "model_")):
                line = _entry(f"{prefix}.{name}", value)
            if line and not name.startswith("_"):
                found = [each for each in found if not each.startswith(f"- `{prefix}.{name}(")] + [line]
    return found


def main() -> int:
    files = clients()
    stale = [path for path in TARGET.glob("*.py") if path not in files]
    if "--check" in sys.argv:
        files[HERE / "api.md"] = listed()
        stale += [path for path, text in files.items() if not path.exists() or path.read_text() != text]
        for path in stale:
            print(f"{path.relative_to(HERE)} is not as generate.py writes it")
        return 1 if stale else 0
    TARGET.mkdir(exist_ok=True)
    for path in stale:
        path.unlink()
    for path, text in files.items():
        path.write_text(text)
    (HERE / "api.md").write_text(listed())
    return 0


if __name__ == "__main__":
    sys.exit(main())
