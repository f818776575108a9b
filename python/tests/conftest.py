"""A real coordinator, and a real miner that repeats prompts, for the tests of a session."""

from __future__ import annotations

import json
import os
import queue
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import aitbc
from aitbc import _http

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
NODE = str(ROOT / "node_modules/.bin/node")
COMMAND = shlex.split(os.environ.get("AITBC_COMMAND", "")) or [NODE, str(ROOT / "packages/cli/bin/aitbc.mjs")]
"""The command ``aitbc``: of the checkout, or the one that the environment's AITBC_COMMAND names."""


class Program:
    """A program that runs until it is stopped."""

    def __init__(self, command: list[str], ready: str, *, timeout: float = 60, cwd: Path | None = None) -> None:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, **streams, text=True, cwd=cwd)
        self.lines: list[str] = []
        self._told: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.match = self.wait_for(ready, timeout=timeout)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._told.put(line)
        self._told.put(None)

    def wait_for(self, pattern: str, *, timeout: float = 60) -> re.Match[str]:
        """The line that the pattern is found in. Fails when the program ends before it prints that."""
        while True:
            line = self._told.get(timeout=timeout)
            assert line is not None, f"{self.process.args} ended: {''.join(self.lines)}"
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=60)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "FIRST_BACKOFF_S", 0.01)
    for name in ("AITBC_COORDINATOR", "AITBC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the coordinator's data."""
    return tmp_path_factory.mktemp("coordinator")


@pytest.fixture(scope="session")
def coordinator(data: Path) -> Iterator[str]:
    """Its URL. A miner that is not heard of loses its jobs after 8 seconds."""
    serve = [
        "serve",
        "--port",
        "0",
        "--data",
        str(data),
        "--log-level",
        "error",
        "--lease-seconds",
        "8",
        "--webhook-allow",
        "127.0.0.1",
    ]
    program = Program([*COMMAND, *serve], r"listens on (http://[^,\s]+)")
    yield program.match[1]
    program.stop()


@pytest.fixture(scope="session")
def echo(coordinator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A miner for the model llama3.2 that repeats prompts."""
    state = tmp_path_factory.mktemp("echo")
    mine = ["miner", "--backend", "echo", "--model", "llama3.2", "--state", str(state), "--concurrency", "16"]
    program = Program([*COMMAND, *mine, "--coordinator", coordinator], "Waiting for jobs")
    yield
    program.stop()


@pytest.fixture(scope="session")
def admin_key(data: Path, coordinator: str) -> str:
    create = [*COMMAND, "--json", "keys", "create", "--data", str(data)]
    scopes = ["--scope", "client", "--scope", "miner", "--scope", "admin"]
    key: str = json.loads(subprocess.run([*create, *scopes], capture_output=True, check=True).stdout)["key"]
    return key


@pytest.fixture
def client(coordinator: str) -> Iterator[aitbc.CoordinatorClient]:
    with aitbc.CoordinatorClient(coordinator) as client:
        yield client


@pytest.fixture
def url(coordinator: str) -> str:
    return coordinator
