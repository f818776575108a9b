"""A miner that is one function: it answers in capitals.

    aitbc-py miner examples/shout.py:shout --coordinator http://127.0.0.1:8000

`stream` does the same piece by piece, which whoever streams the job sees at once.
"""

from collections.abc import Iterator

import aitbc


@aitbc.miner(models=["shout"], concurrency=4)
def shout(job: aitbc.ClaimedJob) -> str:
    if not job.text:
        raise aitbc.Refused("There is nothing to shout")
    return job.text.upper()


@aitbc.miner(models=["shout-stream"])
def stream(job: aitbc.ClaimedJob) -> Iterator[str | aitbc.Output]:
    words = job.text.split()
    for word in words:
        yield word.upper() + " "
    yield aitbc.Output(finish_reason="stop", usage={"prompt_tokens": len(words), "completion_tokens": len(words)})


if __name__ == "__main__":
    shout.run()
