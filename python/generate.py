"""Makes the synchronous client of the asynchronous one, and the list of everything in api.md.

python generate.py           writes both
python generate.py --check   names what is not as it would be written, and exits with 1
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE / "src/aitbc/_async"
TARGET = HERE / "src/aitbc/_sync"

RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b(_?)Async(?=[A-Z])", r"\1"),
    (r"__a(iter|next|enter|exit)__", r"__\1__"),
    (r"\ba(iter_bytes|iter_sse|close|read)\b", r"\1"),
    (r"^import asyncio\n", ""),
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


def generated() -> dict[Path, str]:
    return {TARGET / path.name: synchronous(path.read_text()) for path in sorted(SOURCE.glob("*.py"))}


def main() -> int:
    files = generated()
    strangers = {path for path in TARGET.glob("*.py") if path not in files}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in [*stale, *sorted(strangers)]:
            print(f"{path.relative_to(HERE)} is not as generate.py writes it")
        return 1 if stale or strangers else 0
    TARGET.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(files[path])
    for path in strangers:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
