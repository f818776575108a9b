"""A miner that runs a GGUF file by llama.cpp within its own process, by the package xllamacpp.

pip install aitbc-sdk xllamacpp
MODEL_GGUF=model.gguf aitbc-py miner examples/with_xllamacpp.py:chat --coordinator http://127.0.0.1:8000
"""

import os
import queue
import threading
from collections.abc import Iterator
from typing import Any

import xllamacpp

import aitbc

SLOTS = 2

params = xllamacpp.CommonParams()
params.model.path = os.environ["MODEL_GGUF"]
params.n_ctx = 2048 * SLOTS
params.n_parallel = SLOTS
server = xllamacpp.Server(params)


@aitbc.miner(models=[os.environ.get("MODEL_NAME", "smollm2")], concurrency=SLOTS, context_length=2048)
def chat(job: aitbc.ClaimedJob) -> Iterator[str | aitbc.Output]:
    told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    request = {**job.params, "messages": job.chat, "stream": True, "stream_options": {"include_usage": True}}

    def generate() -> None:
        try:
            server.handle_chat_completions(request, told.put)
        finally:
            told.put(None)

    threading.Thread(target=generate, daemon=True).start()
    finish_reason = usage = None
    while (chunk := told.get()) is not None:
        if error := chunk.get("error"):
            kind = aitbc.Refused if error.get("code") == 400 else aitbc.MinerError
            raise kind(str(error.get("message")), code=error.get("type"))
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", []):
            finish_reason = choice.get("finish_reason") or finish_reason
            if text := choice["delta"].get("content"):
                yield text
    counts = usage and {name: usage[name] for name in ("prompt_tokens", "completion_tokens")}
    yield aitbc.Output(finish_reason=finish_reason, usage=counts)
