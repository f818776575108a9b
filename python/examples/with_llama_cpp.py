"""A miner that runs a GGUF file by llama.cpp within its own process, by the package llama-cpp-python.

That package is compiled when it is installed, which takes some minutes:

    pip install aitbc-sdk llama-cpp-python
    MODEL_GGUF=model.gguf aitbc-py miner examples/with_llama_cpp.py:chat --coordinator http://127.0.0.1:8000
"""

import os
from collections.abc import Iterator

import llama_cpp

import aitbc

CONTEXT = 2048
model = llama_cpp.Llama(os.environ["MODEL_GGUF"], n_ctx=CONTEXT, verbose=False)
KNOWN = ("max_tokens", "temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty")


# One job at a time: a Llama has one context.
@aitbc.miner(models=[os.environ.get("MODEL_NAME", "smollm2")], context_length=CONTEXT)
def chat(job: aitbc.ClaimedJob) -> Iterator[str | aitbc.Output]:
    sampling = {name: value for name, value in job.params.items() if name in KNOWN}
    finish_reason = None
    try:
        for chunk in model.create_chat_completion(messages=job.chat, stream=True, **sampling):
            (choice,) = chunk["choices"]
            finish_reason = choice["finish_reason"]
            if text := choice["delta"].get("content"):
                yield text
    except ValueError as error:
        if "context window" in str(error):
            raise aitbc.Refused(str(error), code="context_length_exceeded") from error
        raise
    yield aitbc.Output(finish_reason=finish_reason)
