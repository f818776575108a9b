"""What the clients do, against a real coordinator."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED

import aitbc
from aitbc import CoordinatorClient, CoordinatorError, NotFoundError, models
from aitbc._overview import changed_overview

ECHO = "Echo, no model ran: "


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("file", "printed"),
    [("client_sync.py", f"{ECHO}Hello, world!\n"), ("client_async.py", f"{ECHO}Explain AI\n")],
)
def test_the_tutorial_runs_with_an_import_in_place_of_its_class(
    file: str, printed: str, url: str, tmp_path: Path
) -> None:
    tutorial = SHARED / "contract/tutorial" / file
    if not tutorial.exists():
        pytest.skip("the tutorial of the contract is not beside this checkout")
    source = tutorial.read_text().replace("https://aitbc.bubuit.net", url)
    tree = ast.parse(source)
    (old,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    tree.body[tree.body.index(old)] = ast.parse(f"from aitbc import {old.name}").body[0]
    program = tmp_path / file
    program.write_text(ast.unparse(tree))
    assert subprocess.run([sys.executable, program], capture_output=True, text=True, check=True).stdout == printed


def test_the_tutorials_retries_work_with_its_errors(client: CoordinatorClient) -> None:
    tutorial = SHARED / "contract/tutorial/retry.py"
    if not tutorial.exists():
        pytest.skip("the tutorial of the contract is not beside this checkout")
    names: dict[str, Any] = {}
    exec(tutorial.read_text(), names)
    with pytest.raises(aitbc.NotFoundError):
        names["with_retry"](lambda: client.get_job("job-that-never-was"))


@pytest.mark.usefixtures("echo")
def test_the_tutorials_methods_answer_dicts(client: CoordinatorClient) -> None:
    submitted = client.submit_job("Hello!", max_tokens=5)
    assert submitted["params"] == {"max_tokens": 5}
    ended = client.wait_for_job(submitted["job_id"], timeout=30)
    assert (type(ended), ended["status"], ended["result"]) == (dict, "completed", f"{ECHO}Hello!")
    assert client.get_job(submitted["job_id"]) == ended


@pytest.mark.usefixtures("echo")
def test_a_job_is_submitted_and_waited_for(client: CoordinatorClient) -> None:
    seen: list[str] = []
    job = client.jobs.submit(prompt="Hello!", model="llama3.2", metadata={"page": 7})
    ended = client.jobs.wait(job.job_id, on_update=lambda job: seen.append(job.status))
    assert (ended.require_completed(), ended.text, ended.metadata) == (f"{ECHO}Hello!", f"{ECHO}Hello!", {"page": 7})
    assert ended.usage is not None
    assert ended.usage.prompt_tokens == 1
    assert seen[-1] == "completed"
    receipt = client.jobs.receipt(job.job_id)
    assert client.receipts.get(receipt.receipt_id).job_id == job.job_id


@pytest.mark.usefixtures("echo")
def test_the_text_of_a_job_comes_as_it_is_generated(client: CoordinatorClient) -> None:
    text = ""
    last: models.JobEvent | None = None
    for event in client.jobs.stream(prompt="Hello!", model="llama3.2"):
        if event.event == "chunk":
            text += event.data.text
        last = event
    assert text == f"{ECHO}Hello!"
    assert isinstance(last, models.ReceiptEvent)
    again = list(client.jobs.events(last.data.job_id))
    assert [event.event for event in again][-2:] == ["result", "receipt"]
    assert list(client.jobs.events(last.data.job_id, after=again[-2].id)) == again[-1:]


def test_a_wait_ends_in_time_and_says_what_it_saw(client: CoordinatorClient) -> None:
    job = client.jobs.submit(prompt="Hello!", model="nobody-runs-this")
    with pytest.raises(TimeoutError, match="last seen pending") as caught:
        client.wait_for_job(job.job_id, timeout=3)
    assert isinstance(caught.value, aitbc.JobTimeoutError)
    assert client.jobs.cancel(job.job_id).has_ended
    with pytest.raises(aitbc.JobFailedError, match="cancelled"):
        client.jobs.wait(job.job_id).require_completed()


def test_who_cancels_the_task_that_streams_cancels_the_job(url: str) -> None:
    async def run() -> str:
        async with aitbc.AsyncCoordinatorClient(url) as client:
            started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def read() -> None:
                async for event in client.jobs.stream(prompt="Hello!", model="nobody-runs-this"):
                    assert isinstance(event, models.StatusEvent)
                    started.set_result(event.data.job_id)

            reading = asyncio.create_task(read())
            job_id = await started
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            return (await client.jobs.get(job_id)).status

    assert asyncio.run(run()) == "cancelled"


def test_the_same_key_is_the_same_job(client: CoordinatorClient) -> None:
    first = client.jobs.submit(prompt="Hello!", model="nobody-runs-this", idempotency_key="order-1")
    assert (
        client.jobs.submit(prompt="Hello!", model="nobody-runs-this", idempotency_key="order-1").job_id == first.job_id
    )
    with pytest.raises(aitbc.ConflictError) as caught:
        client.jobs.submit(prompt="Goodbye!", model="nobody-runs-this", idempotency_key="order-1")
    assert caught.value.error_code == "IDEMPOTENCY_KEY_REUSED"


def test_lists_are_fetched_page_by_page(client: CoordinatorClient) -> None:
    jobs: list[models.JobRequest] = [{"prompt": f"{n}", "model": "listed"} for n in range(7)]
    submitted = [job.job_id for job in client.jobs.submit_batch(jobs)]
    listed = client.jobs.list(model="listed", limit=3)
    assert [job.job_id for job in listed] == submitted[::-1]
    assert [len(page.items) for page in listed.pages()] == [3, 3, 1]
    page = listed.page()
    rest = client.jobs.list(model="listed", limit=100, cursor=page.cursor)
    assert len(rest.page().items) == 4


@pytest.mark.usefixtures("echo")
def test_many_jobs_are_submitted_at_once_and_shown_as_they_end(client: CoordinatorClient) -> None:
    told: list[tuple[int, int]] = []
    many = client.jobs.submit_batch({"prompt": f"{n}", "model": "nobody-runs-this"} for n in range(1_005))
    assert [job.prompt for job in many] == [f"{n}" for n in range(1_005)]
    jobs = client.jobs.submit_batch({"prompt": f"{n}", "model": "llama3.2"} for n in range(20))
    ended = client.jobs.wait_all(jobs, progress=lambda done, total: told.append((done, total)))
    assert [job.result for job in ended] == [f"{ECHO}{n}" for n in range(20)]
    assert told[-1] == (20, 20)


@pytest.mark.usefixtures("echo")
def test_a_batch_of_requests_is_answered(client: CoordinatorClient, capsys: pytest.CaptureFixture[str]) -> None:
    messages = [[{"role": "user", "content": f"Number {n}"}] for n in range(3)]
    batch = client.batches.submit({"model": "llama3.2", "messages": each} for each in messages)
    ended = client.batches.wait(batch.id, progress=True, poll=0.2)
    assert (ended.status, ended.request_counts.completed) == ("completed", 3)
    answers = list(client.batches.results(ended))
    assert [(each.custom_id, each.text) for each in answers] == [
        (f"request-{n}", f"{ECHO}Number {n}") for n in range(3)
    ]
    assert "3/3" in capsys.readouterr().err
    assert client.files.get(ended.input_file_id).filename == "requests.jsonl"
    assert len(client.files.content(ended.input_file_id).splitlines()) == 3
    assert ended.id in [each.id for each in client.batches.list()]
    client.files.delete(ended.input_file_id)
    with pytest.raises(aitbc.NotFoundError):
        client.files.get(ended.input_file_id)


def test_a_file_is_uploaded_from_its_path(client: CoordinatorClient, tmp_path: Path) -> None:
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}}
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(line) + "\n")
    file = client.files.create(path, expires_after=7200)
    assert (file.filename, file.bytes, file.expires_at - file.created_at) == (
        "mine.jsonl",
        len(path.read_bytes()),
        7200,
    )
    assert list(client.files.lines(file.id)) == [line]


def test_two_hundred_jobs_at_once(url: str, echo: None) -> None:
    async def run() -> list[str | None]:
        async with aitbc.AsyncCoordinatorClient(url) as client:

            async def one(number: int) -> str | None:
                job = await client.jobs.submit(prompt=f"{number}", model="llama3.2", wait=20)
                return (await client.jobs.wait(job.job_id)).result

            return list(await asyncio.gather(*(one(number) for number in range(200))))

    assert asyncio.run(run()) == [f"{ECHO}{number}" for number in range(200)]


@pytest.mark.usefixtures("echo")
def test_the_public_views(client: CoordinatorClient) -> None:
    job = client.jobs.submit(prompt="Hello!", model="llama3.2", wait=20)
    receipt_id = client.jobs.wait(job.job_id).receipt_id
    assert receipt_id is not None
    proof = client.receipts.wait_for_proof(receipt_id)
    assert proof.startswith("c2sp.org/tlog-proof@v1\n")
    found = {each.kind: each for each in client.explorer.search(receipt_id)}
    transaction = client.explorer.transaction(found["transaction"].id)
    assert (transaction.id, transaction.from_) == (receipt_id, transaction.statement["client"])
    assert transaction.to_dict()["from"] == transaction.from_
    assert transaction.height is not None
    assert client.explorer.block(transaction.height).checkpoint.endswith("\n")
    assert client.explorer.address(transaction.to or "").jobs_run >= 1
    assert client.explorer.stats().completed_jobs == client.stats().completed_jobs
    assert [key.alg for key in client.signing_keys.list()] == ["Ed25519"]
    assert client.ledger.vkey() in client.ledger.policy()
    assert client.accounts.own().billing == "postpaid"
    assert "llama3.2" in [model.id for model in client.models.list()]
    assert client.models.get("llama3.2").object == "model"


def test_grants_are_given_once_and_published(url: str, admin_key: str) -> None:
    with CoordinatorClient(url, admin_key) as admin:
        address = admin.accounts.own().address
        first, again = [
            admin.grants.create(to=address, amount=12.5, reason="Welcome", idempotency_key="welcome") for _ in range(2)
        ]
        assert again == first
        assert admin.grants.wait_for_proof(first.grant_id).startswith("c2sp.org/tlog-proof@v1\n")
        assert admin.grants.get(first.grant_id).inclusion is not None
        assert [grant.amount for grant in admin.grants.list()] == [12.5]
        assert admin.accounts.get(address).balance == 12.5
        assert admin.miners.register("reinstated", capabilities=["m"]).reputation.suspended_at is None
        assert admin.miners.reinstate("reinstated").miner_id == "reinstated"


def test_a_miner_is_made_of_single_requests(client: CoordinatorClient) -> None:
    miner = client.miners.register("by-hand", capabilities=["by-hand-model"], gpu_info={"memory": "24GB"})
    assert (miner.vram_gb, miner.capabilities) == (24, ["by-hand-model"])
    job = client.jobs.submit(prompt="Hello!", model="by-hand-model", stream=True)
    offered = client.jobs.available("by-hand", wait=5, epoch=miner.epoch)
    assert offered is not None
    assert client.jobs.claim(offered.job_id, "by-hand").attempt == 1
    assert client.jobs.post_chunks(job.job_id, "by-hand", first=0, chunks=["Hel", "lo"]).next == 2
    assert [held.job_id for held in client.miners.heartbeat("by-hand", [job.job_id]).jobs] == [job.job_id]
    assert client.jobs.release(job.job_id, "by-hand").status == "pending"
    (claimed,) = client.miners.claim_jobs("by-hand", wait=5)
    assert client.jobs.complete(claimed.job_id, "by-hand", result="Hello").job_id == job.job_id
    other = client.jobs.submit(prompt="Hello!", model="by-hand-model")
    (claimed,) = client.miners.claim_jobs("by-hand", wait=5)
    outcome = client.jobs.fail(claimed.job_id, "by-hand", error="no", error_class="refused", retryable=False)
    assert outcome.job_id == other.job_id
    failed = client.jobs.get(other.job_id)
    with pytest.raises(aitbc.JobFailedError) as caught:
        failed.require_completed()
    assert caught.value.fault == "request"
    assert "by-hand-model" not in [load.model for load in client.miners.get("by-hand").workload.runnable]
    assert client.miners.drain("by-hand").status == "draining"
    assert "by-hand" in [each.miner_id for each in client.miners.list()]
    client.miners.deregister("by-hand")


def test_address_and_key_come_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AITBC_COORDINATOR", f"{url}/api/")
    monkeypatch.setenv("AITBC_API_KEY", "aitbc_unknown")
    with CoordinatorClient() as client:
        assert client.base_url == f"{url}/api"
        with pytest.raises(aitbc.AuthenticationError) as caught:
            client.jobs.list().page()
    assert caught.value.matches("AUTH_*", "JOB_NOT_FOUND")
    assert not caught.value.matches("JOB_*")
    assert "aitbc_unknown" not in repr(client)


@pytest.mark.parametrize("address", ["", "coordinator.example", "ftp://coordinator.example"])
def test_what_is_no_address_is_an_error_at_once(address: str) -> None:
    if address:
        with pytest.raises(ValueError, match="http"):
            CoordinatorClient(address)
    else:
        assert CoordinatorClient(address).base_url == "http://127.0.0.1:8000"


def test_options_of_single_calls_share_the_connections(client: CoordinatorClient) -> None:
    other = client.with_options(timeout=5, max_retries=0, headers={"x-trace": "1"})
    assert other.health().status == "ok"
    other.close()
    assert client.health().status == "ok"


def test_keys_are_made_changed_rotated_and_revoked(url: str, admin_key: str) -> None:
    with CoordinatorClient(url, admin_key) as admin:
        made = admin.api_keys.create(scopes=["client", "keys"], name="the web shop", budget={"day": 5})
        with CoordinatorClient(url, made.key) as manager:
            current = manager.api_keys.current()
            assert current.budget is not None
            assert (current.id, current.budget.day, current.budget.spent.day) == (made.id, 5, 0)
            child = manager.api_keys.create(scopes=["client"])
            assert child.created_by == made.id
            assert [key.id for key in manager.api_keys.list()] == [child.id, made.id]
        assert admin.api_keys.change(made.id, {"budget": None, "name": "b"}).budget is None
        assert admin.api_keys.rotate(made.id, old_valid_seconds=60).key != made.key
        assert admin.api_keys.revoke(child.id).revoked_at is not None
        assert [entry.action for entry in admin.audit_log.list(target=child.id)] == ["key.revoke", "key.create"]


def test_people_join_by_invitations(url: str, admin_key: str) -> None:
    with CoordinatorClient(url, admin_key) as admin:
        invited = admin.invitations.create(name="Ada", scopes=["client"])
        assert admin.invitations.link(invited.token) == f"{url}/join#{invited.token}"
        nonce = "0" * 64
        keys = {admin.invitations.redeem(invited.token, nonce=nonce).key for _ in range(2)}
        assert len(keys) == 1
        with pytest.raises(aitbc.ConflictError) as caught:
            admin.invitations.redeem(invited.token)
        assert caught.value.error_code == "INVITATION_ENDED"
        assert [one.used for one in admin.invitations.list()] == [1]
        assert admin.invitations.get(invited.id).uses == 1
        assert admin.invitations.revoke(invited.id).revoked_at is not None


@pytest.mark.usefixtures("echo")
def test_usage_and_earnings_are_summed_up(url: str, admin_key: str) -> None:
    with CoordinatorClient(url, admin_key) as admin:
        preview = admin.jobs.preview(model="llama3.2", prompt="Hello")
        assert preview.queue.eligible_miners == 1
        assert preview.cost.most >= preview.cost.usual > 0
        admin.jobs.submit(model="llama3.2", prompt="Hello", wait=10)
        assert sum(row.jobs for row in admin.usage.list(group_by="day,model")) >= 1
        assert all(row.model for row in admin.earnings.list(group_by="model"))


def test_chunks_of_several_jobs_are_posted_at_once(url: str) -> None:
    with CoordinatorClient(url) as client:
        client.miners.register("several", capabilities=["several"], concurrency=2)
        jobs = [client.jobs.submit(prompt="Hello", model="several", stream=True) for _ in range(2)]
        claimed = client.miners.claim_jobs("several", max=2)
        assert {job.job_id for job in claimed} == {job.job_id for job in jobs}
        streams = [{"job_id": job.job_id, "first": 0, "chunks": ["Hello", ", you!"]} for job in claimed]
        first, second, missing = client.miners.post_chunks(
            "several", [*streams, {"job_id": "job-none", "first": 0, "chunks": ["Hello"]}]
        )
        assert not isinstance(first, CoordinatorError)
        assert not isinstance(second, CoordinatorError)
        assert (first.next, second.next) == (2, 2)
        assert isinstance(missing, NotFoundError)
        assert missing.error_code == "JOB_NOT_FOUND"


def test_reports_are_csv_for_spreadsheets_and_the_overview_is_for_all(url: str) -> None:
    with CoordinatorClient(url) as client:
        assert client.usage.csv(group_by="day").splitlines()[0].startswith("day,jobs,failed,")
        assert client.earnings.csv(group_by="miner").splitlines()[0].startswith("miner_id,jobs,")
        overview = client.explorer.overview()
        assert overview.stats.total_jobs >= 0
        assert overview.miners.taking_jobs >= 0
        assert all(model.miners > 0 for model in client.explorer.models())


@pytest.mark.usefixtures("echo")
def test_the_overview_is_told_again_when_it_changes(client: CoordinatorClient) -> None:
    live = client.explorer.live(max_retries=0)
    first = next(live)
    receipt_id = client.jobs.wait(client.jobs.submit(prompt="Hello!", model="llama3.2").job_id).receipt_id
    changed = next(told for told in live if receipt_id in [entry.id for entry in told.transactions])
    live.close()
    assert changed.stats.total_jobs > first.stats.total_jobs
    assert [block.height for block in changed.blocks] == sorted((each.height for each in changed.blocks), reverse=True)
    assert changed.miners.slots >= 16


def test_changes_of_the_overview_are_added_to_what_is_known() -> None:
    known = {
        "stats": {"total_jobs": 1},
        "rates": [{"time": n} for n in range(150)],
        "transactions": [{"hash": f"{n}", "index": None} for n in range(12)],
        "blocks": [{"height": 3}],
    }
    change = {"rates": [{"time": 150}], "transactions": [{"hash": "new"}, {"hash": "1", "index": 7}]}
    told = changed_overview(known, change)
    assert (told["stats"], told["blocks"]) == ({"total_jobs": 1}, [{"height": 3}])
    assert [told["rates"][at]["time"] for at in (0, -1)] == [1, 150]
    assert [entry["hash"] for entry in told["transactions"]] == ["new", *(f"{n}" for n in range(11))]
    assert told["transactions"][2] == {"hash": "1", "index": 7}
