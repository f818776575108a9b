"""A miner that runs vLLM's engine within its own process: many jobs at once, batched by the engine.

pip install aitbc-sdk vllm
MODEL=meta-llama/Llama-3.2-3B-Instruct aitbc-py miner examples/with_vllm.py:chat
"""

import os
from collections.abc import AsyncIterator

from vllm import AsyncEngineArgs, SamplingParams
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

import aitbc

NAME = os.environ["MODEL"]
engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=NAME))
KNOWN = (
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "top_k",
    "min_p",
)


@aitbc.miner(models=[NAME], concurrency=32, context_length=engine.model_config.max_model_len)
async def chat(job: aitbc.ClaimedJob) -> AsyncIterator[str | aitbc.Output]:
    tokenizer = await engine.get_tokenizer()
    prompt = tokenizer.apply_chat_template(job.chat, add_generation_prompt=True, tokenize=False)
    sampling = SamplingParams(
        output_kind=RequestOutputKind.DELTA,
        **{name: value for name, value in job.params.items() if name in KNOWN},
    )
    finish_reason, prompt_tokens, completion_tokens = None, 0, 0
    # Where the job is cancelled, so is this loop, and with it the request at the engine.
    async for output in engine.generate(prompt, sampling, request_id=job.job_id):
        (completion,) = output.outputs
        prompt_tokens = len(output.prompt_token_ids or ())
        completion_tokens += len(completion.token_ids)
        finish_reason = completion.finish_reason
        if completion.text:
            yield completion.text
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    yield aitbc.Output(finish_reason=finish_reason, usage=usage)
