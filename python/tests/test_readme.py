"""Every sample of the README runs, and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import aitbc

README = (Path(__file__).parents[1] / "README.md").read_text()
SAMPLES = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", README, re.DOTALL)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(("sample", "printed"), SAMPLES, ids=range(len(SAMPLES)))
def test_a_sample_prints_what_it_says(sample: str, printed: str, url: str) -> None:
    program = sample.replace("http://127.0.0.1:8000", url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, printed.strip()), done.stderr


def test_there_are_samples() -> None:
    assert len(SAMPLES) == 5


def test_the_table_names_every_method() -> None:
    named = {
        resource: set(re.findall(r"`(\w+)`", methods))
        for resource, methods in re.findall(r"^\| `(\w+)` +\| (.*) \|$", README, re.MULTILINE)
    }
    client = vars(aitbc.CoordinatorClient("http://127.0.0.1:8000"))
    resources = {name: type(value) for name, value in client.items() if not name.startswith("_")}
    assert named == {
        name: {method for method in dir(resource) if not method.startswith("_")} for name, resource in resources.items()
    }
