"""A miner that runs a model by the package transformers, streaming.

pip install aitbc-sdk transformers torch
MODEL=HuggingFaceTB/SmolLM2-135M-Instruct aitbc-py miner examples/with_transformers.py:chat
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, TextIteratorStreamer

import aitbc

MODEL = os.environ["MODEL"]
tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, device_map="auto" if torch.cuda.is_available() else None)
CONTEXT = int(model.config.max_position_embeddings)


@aitbc.miner(models=[os.environ.get("MODEL_NAME", MODEL)], context_length=CONTEXT)
def chat(job: aitbc.ClaimedJob) -> Iterator[str | aitbc.Output]:
    inputs = tokenizer.apply_chat_template(
        job.chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    prompt_tokens = int(inputs["input_ids"].shape[1])
    if prompt_tokens >= CONTEXT:
        raise aitbc.Refused(f"{prompt_tokens} tokens do not fit", code="context_length_exceeded")
    temperature = job.params.get("temperature", 1.0)
    most = min(job.params.get("max_tokens", 512), CONTEXT - prompt_tokens)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    counted = _Counter(job)
    options: dict[str, Any] = {"do_sample": temperature > 0, "max_new_tokens": most, "streamer": streamer}
    if temperature > 0:
        options |= {"temperature": temperature, "top_p": job.params.get("top_p", 1.0)}
    with ThreadPoolExecutor(1) as pool:
        generation = pool.submit(model.generate, **inputs, **options, stopping_criteria=[counted])
        # A generation that fails ends no stream by itself.
        generation.add_done_callback(lambda _: streamer.end())
        yield from streamer
        generation.result()
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": counted.tokens}
    yield aitbc.Output(finish_reason="length" if counted.tokens >= most else "stop", usage=usage)


class _Counter(StoppingCriteria):  # type: ignore[misc]
    """Counts tokens, and ends the generation when nobody wants it any more."""

    def __init__(self, job: aitbc.ClaimedJob) -> None:
        self.job = job
        self.tokens = 0

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> bool:
        self.tokens += 1
        return self.job.is_stopped
