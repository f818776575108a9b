"""Functions as miners of a real coordinator."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Program
from faulty_proxy import faulty_proxy

import aitbc
from aitbc import ClaimedJob, Miner, Output, Reasoning, cli, models, verify


class Mining:
    """A miner that runs, and what happened to it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._heard = asyncio.Condition()

    def emit(self, event: str, told: dict[str, Any]) -> None:
        self.events.append((event, told))
        asyncio.get_running_loop().create_task(self._announce())

    async def _announce(self) -> None:
        async with self._heard:
            self._heard.notify_all()

    async def event(self, name: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next((told for event, told in self.events if event == name), None)

        async with self._heard:
            await asyncio.wait_for(self._heard.wait_for(lambda: found() is not None), 30)
        told = found()
        assert told is not None
        return told


@contextlib.asynccontextmanager
async def mining(miner: Miner, url: str, state: Path, **options: Any) -> AsyncIterator[Mining]:
    """Runs the miner within, and stops it in the end."""
    running = Mining()
    task = asyncio.create_task(miner.serve(url, state=state, on_event=running.emit, **options))
    registered = asyncio.create_task(running.event("registered"))
    await asyncio.wait([task, registered], return_when=asyncio.FIRST_COMPLETED)
    try:
        if task.done():
            task.result()
        yield running
    finally:
        miner.stop()
        await task


Work = Callable[[aitbc.AsyncCoordinatorClient], Awaitable[None]]


def against(url: str, work: Work) -> None:
    async def run() -> None:
        async with aitbc.AsyncCoordinatorClient(url) as client:
            await work(client)

    asyncio.run(run())


async def answer(client: aitbc.AsyncCoordinatorClient, **job: Any) -> models.Job:
    submitted = await client.jobs.submit(**job)
    return await client.jobs.wait(submitted.job_id, timeout=30)


def sync_function(job: ClaimedJob) -> str:
    assert threading.current_thread() is not threading.main_thread()
    return job.text.upper()


async def async_function(job: ClaimedJob) -> str:
    return job.text.upper()


def sync_generator(job: ClaimedJob) -> Iterator[str]:
    for word in job.text.split():
        yield f"{word.upper()} "


async def async_generator(job: ClaimedJob) -> AsyncIterator[str]:
    for word in job.text.split():
        yield f"{word.upper()} "


@pytest.mark.parametrize("function", [sync_function, async_function, sync_generator, async_generator])
def test_a_function_is_a_miner(function: Callable[[ClaimedJob], Any], url: str, tmp_path: Path) -> None:
    model = function.__name__

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        async with mining(Miner(function, models=[model]), url, tmp_path) as running:
            job = await answer(client, prompt="hello sea", model=model)
            assert (job.result or "").strip() == "HELLO SEA"
            receipt = await client.jobs.receipt(job.job_id)
            keys = await client.signing_keys.list()
            attestation = verify.verify_receipt(receipt, keys).checks[-2]
            assert (attestation.ok, attestation.detail.endswith(", the provider")) == (True, True)
            chat = await answer(client, messages=[{"role": "user", "content": "hello chat"}], model=model)
            assert (chat.result or "").strip() == "HELLO CHAT"
        names = [event for event, _ in running.events]
        assert names[0] == "registered"
        assert names[-1] == "stopped"
        assert names.count("job_completed") == 2

    against(url, work)


@pytest.mark.parametrize("function", [sync_generator, async_generator])
def test_a_generator_streams(function: Callable[[ClaimedJob], Any], url: str, tmp_path: Path) -> None:
    model = f"streaming-{function.__name__}"

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        async with mining(Miner(function, models=[model]), url, tmp_path):
            events = [event async for event in client.jobs.stream(prompt="hello sea", model=model)]
        assert "".join(event.data.text for event in events if event.event == "chunk") == "HELLO SEA "
        assert events[-1].event == "receipt"

    against(url, work)


def test_an_output_has_all_that_an_answer_may_have(url: str, tmp_path: Path) -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}

    def thinker(job: ClaimedJob) -> Iterator[str | Output]:
        yield Reasoning("Hm, ")
        yield Reasoning("well.")
        yield "42"
        yield Output(finish_reason="stop", usage={"prompt_tokens": 3, "completion_tokens": 1})

    async def several(job: ClaimedJob) -> Any:
        if job.input is not None:
            return [[float(len(text)), 0.5] for text in job.input]
        return Output(tool_calls=[call]) if job.tools else Output("\ud83d half")

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        async with mining(Miner(thinker, models=["thinker"]), url, tmp_path):
            events = [event async for event in client.jobs.stream(prompt="?", model="thinker")]
            told = [(event.event, event.data.text) for event in events if event.event in ("chunk", "reasoning")]
            assert ("chunk", "42") in told
            result = next(event for event in events if event.event == "result")
            assert (result.data.result, result.data.reasoning, result.data.finish_reason) == ("42", "Hm, well.", "stop")
        abilities = ["text", "tools", "embeddings"]
        async with mining(Miner(several, models=["several"], abilities=abilities), url, tmp_path):
            vectors = await answer(client, input=["a", "bcd"], model="several")
            assert vectors.embeddings == [[1, 0.5], [3, 0.5]]
            tools = [{"type": "function", "function": {"name": "weather"}}]
            called = await answer(client, messages=[{"role": "user", "content": "?"}], tools=tools, model="several")
            assert (called.tool_calls, called.text) == ([call], None)
            assert (await answer(client, prompt="?", model="several")).result == "\ufffd half"

    against(url, work)


def test_what_a_function_raises_says_what_becomes_of_the_job(url: str, tmp_path: Path) -> None:
    def fails(job: ClaimedJob) -> str:
        if job.prompt == "refused":
            raise aitbc.Refused("It is too long", code="context_length_exceeded")
        if job.prompt == "unsupported":
            raise aitbc.Unsupported("Not here")
        if job.prompt == "nothing":
            return None  # type: ignore[return-value]
        raise KeyError("weights")

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        async with mining(Miner(fails, models=["fails"]), url, tmp_path) as running:
            refused = await answer(client, prompt="refused", model="fails", max_attempts=1)
            assert refused.error is not None
            assert (refused.error.error_class, refused.error.engine_code) == ("refused", "context_length_exceeded")
            broken = await answer(client, prompt="broken", model="fails", max_attempts=1)
            assert broken.error is not None
            assert (broken.error.error_class, broken.error.detail.endswith("KeyError: 'weights'")) == ("broken", True)
            nothing = await answer(client, prompt="nothing", model="fails", max_attempts=1)
            assert "gives a text or an Output" in (nothing.error.detail if nothing.error else "")
            await answer(client, prompt="unsupported", model="fails", max_attempts=1)
        classes = [told["error_class"] for event, told in running.events if event == "job_failed"]
        assert classes == ["refused", "broken", "broken", "unsupported"]

    against(url, work)


def test_as_many_jobs_run_at_once_as_it_says(url: str, tmp_path: Path) -> None:
    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        together = asyncio.Barrier(4) if sys.version_info >= (3, 11) else None
        at_once = most = 0

        async def counts(job: ClaimedJob) -> str:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            if together is not None:
                await together.wait()
            await asyncio.sleep(0)
            at_once -= 1
            return "done"

        async with mining(Miner(counts, models=["counts"], concurrency=4), url, tmp_path):
            jobs = await client.jobs.submit_batch([{"prompt": f"{n}", "model": "counts"} for n in range(12)])
            ended = [job.status async for job in client.jobs.wait_all(jobs, timeout=60)]
        assert ended == ["completed"] * 12
        assert most <= 4

    against(url, work)


@pytest.mark.parametrize("kind", ["async", "thread", "generator"])
def test_a_job_that_is_cancelled_is_stopped(kind: str, url: str, tmp_path: Path) -> None:
    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        ended = threading.Event()

        async def endless(job: ClaimedJob) -> str:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return ""

        def blocking(job: ClaimedJob) -> str:
            job._stopped.wait(30)
            ended.set()
            return "nobody wants it"

        def pieces(job: ClaimedJob) -> Iterator[str]:
            try:
                while True:
                    job._stopped.wait(0.05)
                    yield "more "
            finally:
                ended.set()

        function = {"async": endless, "thread": blocking, "generator": pieces}[kind]
        async with mining(Miner(function, models=[f"endless-{kind}"]), url, tmp_path) as running:
            job = await client.jobs.submit(prompt="?", model=f"endless-{kind}", stream=True)
            await running.event("job_started")
            await client.jobs.cancel(job.job_id)
            assert (await running.event("job_stopped"))["reason"] == "cancelled"
            assert await asyncio.to_thread(ended.wait, 10)

    against(url, work)


def test_what_does_not_finish_in_time_is_handed_back_when_the_miner_stops(url: str, tmp_path: Path) -> None:
    async def forever(job: ClaimedJob) -> str:
        await asyncio.Event().wait()
        return ""

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        miner = Miner(forever, models=["forever"])
        async with mining(miner, url, tmp_path, shutdown_timeout=0.1) as running:
            job = await client.jobs.submit(prompt="?", model="forever")
            await running.event("job_started")
        assert "job_released" in [event for event, _ in running.events]
        pending = await client.jobs.get(job.job_id)
        assert (pending.status, pending.error) == ("pending", None)
        await client.jobs.cancel(job.job_id)

    against(url, work)


def test_a_second_process_takes_the_id_over(url: str, tmp_path: Path) -> None:
    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        first, second = [Miner(async_function, models=["twice"]) for _ in range(2)]
        with pytest.raises(aitbc.ConflictError) as caught:
            async with mining(first, url, tmp_path, miner_id="twice") as running:
                async with mining(second, url, tmp_path, miner_id="twice"):
                    await running.event("superseded")
                    assert (await answer(client, prompt="hi", model="twice")).result == "HI"
        assert caught.value.error_code == "MINER_SUPERSEDED"

    against(url, work)


def test_what_breaks_on_the_way_costs_no_job(url: str, tmp_path: Path) -> None:
    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        with faulty_proxy(url) as proxy:

            async def breaks(job: ClaimedJob) -> str:
                # What comes next on the wire: the completion, or a heartbeat.
                proxy.faults = ["reset_after", "busy", "cut", "reset"]
                return job.text

            async with mining(Miner(breaks, models=["breaks"]), proxy.url, tmp_path):
                jobs = await client.jobs.submit_batch([{"prompt": f"{n}", "model": "breaks"} for n in range(3)])
                results = [job.result async for job in client.jobs.wait_all(jobs, timeout=60)]
            assert results == ["0", "1", "2"]

    against(url, work)


MODULE = '''
import pathlib, time, aitbc

@aitbc.miner(models=["module-model"])
def shout(job):
    """Says it louder."""
    if not pathlib.Path("go").exists():
        time.sleep(60)
    return job.prompt.upper()
'''


@pytest.fixture
def program(url: str, tmp_path: Path) -> Callable[..., Program]:
    (tmp_path / "shouting.py").write_text(MODULE)
    command = [sys.executable, "-m", "aitbc.cli", "miner", f"{tmp_path}/shouting.py:shout", "--coordinator", url]
    command += ["--state", str(tmp_path / "state"), "--miner-id", tmp_path.name, "--shutdown-timeout", "0.1"]

    def start(*options: str) -> Program:
        return Program([*command, *options], "Waiting for jobs", cwd=tmp_path)

    return start


def test_a_miner_that_is_killed_and_resumed_loses_no_job(
    program: Callable[..., Program], client: aitbc.CoordinatorClient, tmp_path: Path
) -> None:
    killed = program()
    job = client.jobs.submit(prompt="Hello!", model="module-model")
    killed.wait_for(f"{job.job_id} started")
    killed.process.kill()
    killed.process.wait()
    (tmp_path / "go").touch()
    resumed = program()
    resumed.wait_for(f"{job.job_id} handed back: this miner did not know of it")
    resumed.wait_for(f"{job.job_id} completed")
    ended = client.jobs.get(job.job_id)
    assert (ended.result, ended.miner_id) == ("HELLO!", tmp_path.name)
    resumed.process.send_signal(signal.SIGTERM)
    resumed.wait_for("Stopped after 1 jobs")
    assert resumed.process.wait(timeout=30) == 0
    assert os.stat(tmp_path / "state/miner-key.pem").st_mode & 0o777 == 0o600


def test_a_miner_ends_after_as_many_jobs_as_it_is_told(
    program: Callable[..., Program], client: aitbc.CoordinatorClient, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    running = program("--max-jobs", "1", "--model", "another-model")
    job = client.jobs.submit(prompt="Hello!", model="another-model")
    running.wait_for("Stopped after 1 jobs")
    assert running.process.wait(timeout=30) == 0
    assert client.jobs.get(job.job_id).result == "HELLO!"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shout", "it looks like module:function"),
        ("nowhere:shout", "There is no module nowhere"),
        ("nowhere.py:shout", "There is no file nowhere.py"),
        ("os:nothing", "os has no nothing"),
        ("os:sep", "os:sep is no function"),
        ("os:getcwd", "say --model NAME"),
    ],
)
def test_what_is_no_function_is_said(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["miner", name]) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_key_ends_the_miner(url: str, tmp_path: Path) -> None:
    miner = Miner(async_function, models=["m"])
    with pytest.raises(aitbc.AuthenticationError):
        asyncio.run(miner.serve(url, api_key="aitbc_wrong", state=tmp_path))


def test_a_key_that_others_can_read_is_not_used(url: str, tmp_path: Path) -> None:
    key = tmp_path / "miner-key.pem"
    key.write_bytes(verify.Signer.generate().to_pem())
    key.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        asyncio.run(Miner(async_function, models=["m"]).serve(url, state=tmp_path))
    key.write_text("nonsense")
    with pytest.raises(ValueError, match="no Ed25519 key"):
        asyncio.run(Miner(async_function, models=["m"]).serve(url, state=tmp_path))


def test_a_decorated_function_can_be_called() -> None:
    @aitbc.miner(models=["shout"], abilities=["text", "tools"], context_length=2048)
    def shout(job: ClaimedJob) -> str:
        return job.text.upper()

    job = ClaimedJob.model_construct(prompt="hi", messages=None)
    assert (shout(job), shout.name, shout.models) == ("HI", "shout", ["shout"])
    with pytest.raises(ValueError, match="singing"):
        aitbc.miner(models=["m"], abilities=["singing"])(sync_function)
    with pytest.raises(ValueError, match="list"):
        Miner(sync_function, models="m")


def test_a_miner_signs_what_its_owner_claims_and_says_what_it_sampled_by(url: str, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def samples(job: ClaimedJob) -> str:
        asked.append(job.params)
        return job.text

    weights = f"hf:org/model@{'a' * 40}"
    claim: models.PassportClaim = {"weights": weights, "quantization": "FP8", "sampler": {"temperature": 0.6}}
    claimed = Miner(samples, models=["claimed"], passport=claim)

    async def work(client: aitbc.AsyncCoordinatorClient) -> None:
        async with mining(claimed, url, tmp_path) as running:
            miner = await client.miners.get((await running.event("registered"))["miner_id"])
            passport = miner.models[0].passport
            assert passport is not None
            assert (passport.weights, passport.engine) == (
                models.PassportText(value=weights, source="claimed"),
                None,
            )
            job = await answer(client, prompt="Hi", model="claimed", constraints={"model_digest": weights})
        assert asked[0]["temperature"] == 0.6
        assert job.effective_parameters is not None
        assert job.effective_parameters.to_dict() == {"temperature": 0.6, "seed": asked[0]["seed"]}
        receipt = await client.jobs.receipt(job.job_id)
        assert receipt.metadata["passport"] == passport.digest
        told = verify.canonical_json(job.effective_parameters.to_dict()).decode()
        assert receipt.metadata["parameters_hash"] == verify.text_hash(job.salt, told)
        keys = await client.signing_keys.list()
        assert verify.verify_receipt(receipt, keys).valid

    against(url, work)
    with pytest.raises(ValueError, match="gpu: not in a passport"):
        Miner(samples, models=["claimed"], passport={"gpu": "fast"})  # pyright: ignore[reportArgumentType]
