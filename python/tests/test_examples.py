"""The examples, as their readers run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Program

import aitbc

EXAMPLES = Path(__file__).parents[1] / "examples"
NOT_RUN_HERE = {
    "with_xllamacpp.py": "test/model/python-miner.model.ts runs it with the small model",
    "with_llama_cpp.py": "test/model/python-miner.model.ts runs it with the small model",
    "with_transformers.py": "test/model/python-miner.model.ts runs it with the small model",
    "with_vllm.py": "needs a GPU",
}


@pytest.mark.parametrize(("function", "model"), [("shout", "shout"), ("stream", "shout-stream")])
def test_shout_answers_in_capitals(function: str, model: str, client: aitbc.CoordinatorClient, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aitbc.cli", "miner", f"{EXAMPLES / 'shout.py'}:{function}"]
    command += ["--coordinator", client.base_url, "--state", str(tmp_path)]
    program = Program(command, "Waiting for jobs")
    job = client.jobs.submit(prompt="hello sea", model=model, wait=20)
    assert (client.jobs.wait(job.job_id).result or "").strip() == "HELLO SEA"
    assert program.stop() == 0


@pytest.mark.usefixtures("echo")
def test_batch_prints_an_answer_to_each_review(url: str) -> None:
    env = {**os.environ, "AITBC_COORDINATOR": url}
    done = subprocess.run([sys.executable, EXAMPLES / "batch.py"], capture_output=True, text=True, env=env, check=True)
    lines = done.stdout.splitlines()
    assert lines[1].startswith("My daughter loves it! Echo, no model ran: ")
    assert lines[3].startswith("3 answers for ")
    assert "3/3" in done.stderr


def test_no_example_goes_untested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"shout.py", "batch.py", *NOT_RUN_HERE}
