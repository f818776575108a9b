"""What is generated is as it would be generated, and what is built is whole."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]


def run(*command: str, **options: str) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=PACKAGE, env=options or None)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_synchronous_client_and_the_list_of_everything_are_as_generated() -> None:
    run("generate.py", "--check")


def test_the_code_is_as_ruff_wants_it() -> None:
    run("-m", "ruff", "check", "--quiet", "--no-cache", ".")
    run("-m", "ruff", "format", "--check", "--quiet", "--no-cache", ".")


@pytest.mark.slow
def test_wheel_and_source_are_whole(tmp_path: Path) -> None:
    run("-m", "build", "--no-isolation", "--outdir", str(tmp_path), ".")
    (wheel,) = tmp_path.glob("aitbc_sdk-*-py3-none-any.whl")
    (source,) = tmp_path.glob("aitbc_sdk-*.tar.gz")
    modules = {str(path.relative_to(PACKAGE / "src")) for path in (PACKAGE / "src").rglob("*.py")}
    assert {*modules, "aitbc/py.typed"} <= set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "pyproject.toml", "src/aitbc/py.typed"} <= names
    assert not [name for name in names if name.startswith("tests")]
    printed = run("-c", "import aitbc; print(aitbc.__file__, aitbc.__version__)", PYTHONPATH=str(wheel))
    assert printed.startswith(str(wheel))
