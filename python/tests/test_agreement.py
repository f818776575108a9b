"""Both languages come to the same findings, whatever they are given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from conftest import NODE

from aitbc import verify


@pytest.mark.slow
def test_ten_thousand_generated_and_mutated_receipts() -> None:
    program = [NODE, str(Path(__file__).parent / "agreement.ts"), "10000"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        keys = json.loads(node.stdout.readline())
        seen = valid = entries = 0
        for line in node.stdout:
            told = json.loads(line)
            found = verify.verify_receipt(told["text"], keys)
            assert found.failed == told["failed"], (told["text"], found.checks)
            seen, valid = seen + 1, valid + found.valid
            if told["entry"] is not None:
                entry = verify.verify_entry(told["text"], [keys[0]])
                assert entry.valid == told["entry"], (told["text"], entry.checks)
                entries += entry.valid
    assert seen == 10_000
    assert 1_000 < valid < 9_000
    assert entries > 0
