"""What stands is not looked at again; what two verdicts say of each other; what a thread was about."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

import engine
from bot.answering import Kept, Work, answer_of, find
from bot.endpoints import Form, row_of
from bot.jobs import Answer, accept
from bot.presentation import present
from bot.presentation.comparing import likeness
from bot.repeating import repeatable
from bot.requests import Origin, Request, Schedule, request_from_json, request_to_json
from bot.settings import Settings, load_settings
from bot.store import Store, open_store
from bot.store.models import EndpointRow, JobRow, RequestRow, VerdictRow, now
from bot.store.queries import add_request, earlier_in, load_request
from bot.terminal import mark, render
from engine.errors import R1Error
from engine.samples import published, write_checkpoint, write_gguf

TEAM = Origin("slash", "T1", "C1", "U1")


@pytest.fixture
def either(database_url: str) -> Iterator[Store]:
    """A store of each kind, for what asks the database something of its own."""
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file that no test changes, old enough for its verdict to stand."""
    gguf = tmp_path_factory.mktemp("standing") / "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"
    write_gguf(published("R1-Distill-Qwen-7B"), gguf)
    time.sleep(1.1)
    return gguf


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A checkpoint that a test may change, old enough for its verdict to stand."""
    write_checkpoint(published("R1-Distill-Qwen-7B"), tmp_path / "models" / "DeepSeek-R1-Distill-Qwen-7B")
    time.sleep(1.1)
    return tmp_path / "models"


def ask(
    store: Store, request: Request, origin: Origin = TEAM, looks: list[str] | None = None, **settings: object
) -> Answer:
    """As a worker does. ``looks`` gains an entry whenever something is really looked at."""
    made: Settings = load_settings(checkpoint_roots=(Path("/"),), **settings)
    with store.begin() as session:
        request_id = add_request(session, request, origin, None)
    started = (lambda: looks.append("looked")) if looks is not None else (lambda: None)
    work = Work(
        store, made, backend=lambda: pytest.fail("no weights were asked for"), request_id=request_id, started=started
    )
    return answer_of(request, origin, find(request, origin, work), store, made, request_id=request_id)


def identify(target: Path | str, **more: object) -> Request:
    return replace(Request(verb="identify", text=f"identify {target}", lang="en", target=str(target)), **more)  # type: ignore[arg-type]


def test_a_verdict_stands_until_something_changes(store: Store, models: Path) -> None:
    looks: list[str] = []
    question = identify(models / "DeepSeek-R1-Distill-Qwen-7B")
    first = ask(store, question, looks=looks)
    again = ask(store, replace(question, text="is it the full one?", lang="zh", free=True), looks=looks)
    assert len(looks) == 1 and again.verdict_id == first.verdict_id
    assert first.as_of is None and again.as_of is not None
    assert "min ago" in render(present(again, question, mark, prefix="r1 "))
    (models / "DeepSeek-R1-Distill-Qwen-7B" / "config.json").write_text("{}")
    assert ask(store, question, looks=looks).verdict_id != first.verdict_id and len(looks) == 2


@pytest.mark.parametrize("change", ["fresh", "scenario", "constraint", "team", "old", "reference"])
def test_another_question_is_looked_at_anew(store: Store, standing: Path, change: str, tmp_path: Path) -> None:
    looks: list[str] = []
    ask(store, identify(standing), looks=looks)
    questions = {
        "fresh": identify(standing, fresh=True),
        "scenario": identify(standing, scenario="legal"),
        "constraint": identify(standing, constraints={"task": "code"}),
    }
    origin = replace(TEAM, team="T2") if change == "team" else TEAM
    settings: dict[str, object] = {"cache_minutes": 0} if change == "old" else {}
    if change == "reference":
        (tmp_path / "recorded.json").write_text("{}")
        settings = {"reference_files": (tmp_path / "recorded.json",)}
    ask(store, questions.get(change, identify(standing)), origin, looks, **settings)
    assert len(looks) == 2


def test_a_file_that_was_set_back_in_time_is_read_again(store: Store, models: Path) -> None:
    looks: list[str] = []
    question, config = (
        identify(models / "DeepSeek-R1-Distill-Qwen-7B"),
        models / "DeepSeek-R1-Distill-Qwen-7B" / "config.json",
    )
    ask(store, question, looks=looks)
    old = config.stat()
    config.write_text(config.read_text() + " ")
    os.utime(config, ns=(old.st_atime_ns, old.st_mtime_ns))
    ask(store, question, looks=looks)
    assert len(looks) == 2


def test_an_endpoint_that_was_registered_again_is_asked_again(either: Store) -> None:
    """The name stayed, the server may not have."""
    settings, question = load_settings(), identify("gw")
    with either.begin() as session:
        session.add(row_of(Form("gw", "https://a.example/v1"), settings, team="T1", added_by="U1"))
    time.sleep(1.1)
    with either.begin() as session:
        asked = add_request(session, question, TEAM, None)
        session.add(
            VerdictRow(
                request_id=asked,
                team="T1",
                target="gw",
                family="deepseek-r1",
                outcome="full",
                grade="likely",
                title="R1",
                confidence=0.95,
                claim_check="holds",
                engine_version=engine.__version__,
                payload={},
            )
        )
    with either.begin() as session:
        assert repeatable(session, question, TEAM, settings) is not None
        session.query(EndpointRow).update({"created": now()})
    with either.begin() as session:
        assert repeatable(session, question, TEAM, settings) is None


def test_two_models_are_set_beside_each_other(store: Store, samples: Path) -> None:
    full, distilled = samples / "DeepSeek-R1", samples / "DeepSeek-R1-Distill-Qwen-7B"
    gguf = samples / "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"
    both = Request(verb="compare", text="", lang="en", target=str(full), other=str(distilled))
    looks: list[str] = []
    answer = ask(store, both, looks=looks)
    text = render(present(answer, both, mark, prefix="r1 "))
    assert "Not the same" in text and "R1-Distill-Qwen-7B" in text and looks == ["looked"]
    same = replace(both, target=str(distilled), other=str(gguf), lang="zh")
    shown = ask(store, same).comparison
    assert shown is not None
    assert likeness(shown.first.identification.verdict, shown.second.identification.verdict) == "same"
    assert "相同" in render(present(Answer(comparison=shown), same, mark, prefix="r1 "))
    twice = ask(store, replace(both, target=str(gguf), other=str(gguf))).comparison
    assert twice is not None and twice.first.identification.verdict.outcome == "distilled"


def test_headers_alone_never_make_two_full_models_the_same(store: Store, samples: Path) -> None:
    """R1 and V3 share one shape: where the verdict leaves both open, so does the comparison."""
    found = ask(store, identify(samples / "DeepSeek-R1")).identification
    assert found is not None
    open_ = replace(found.verdict, indistinguishable=("DeepSeek-V3",))
    assert likeness(open_, open_) == "alike"
    assert likeness(found.verdict, replace(found.verdict, outcome="inconclusive")) == "unknown"
    other = replace(found.verdict, outcome="other", variant=None, title="Gemma 3")
    assert likeness(other, other) == "alike" and likeness(other, replace(other, title="GLM 4")) == "different"


def test_what_is_not_confirmed_or_not_complete_does_nothing(store: Store, models: Path) -> None:
    looks: list[str] = []
    unsure = identify(models / "DeepSeek-R1-Distill-Qwen-7B", sure=False, thorough=True, free=True)
    with store.begin() as session:
        request_id = add_request(session, unsure, TEAM, None)
    work = Work(store, load_settings(), backend=lambda: pytest.fail("opened"), started=lambda: looks.append("looked"))
    assert find(unsure, TEAM, work) == Kept() and not looks
    view = present(Answer(pending=request_id), unsure, mark, prefix="/r1 ")
    assert [button.action for button in view.buttons] == ["run", "edit", "cancel"]
    assert all(button.value == request_id for button in view.buttons)
    assert "--thorough" in view.parts[0].lines[1]
    missing = Request(verb="identify", text="identify", lang="zh", ask="target")
    assert find(missing, TEAM, work) == Kept()
    assert [button.action for button in present(Answer(), missing, mark, prefix="/r1 ").buttons] == ["form_identify"]


def test_a_thread_is_about_what_was_last_asked_in_it(either: Store) -> None:
    first, second = identify("foo/a"), Request(verb="size", text="size", lang="en", target="deepseek-r1:32b")
    accept(either, first, TEAM, dedup_key="1")
    with either.begin() as session:
        job = session.query(JobRow).one()
        job.message_ref = "1700.1"
    threaded = replace(TEAM, thread_ts="1700.1", surface="mention", user="U2")
    with either.begin() as session:
        below = earlier_in(session, threaded)
        assert below is not None and below.request == first and load_request(session, below.id) == (first, TEAM)
        assert earlier_in(session, replace(threaded, thread_ts="1700.2")) is None
        assert earlier_in(session, replace(threaded, team="T2")) is None
    accept(either, second, threaded, dedup_key="2")
    accept(either, Request(verb="other", text="thx", lang="en"), threaded, dedup_key="3")
    with either.begin() as session:
        now_ = earlier_in(session, threaded)
        assert now_ is not None and now_.request == second
        assert now_.about is not None and now_.about.request == first, "a model named by its size is none to look at"
    accept(either, Request(verb="cancel", text="no", lang="en"), threaded, dedup_key="4")
    accept(either, Request(verb="watch", text="mine?", lang="en", action="list"), threaded, dedup_key="5")
    with either.begin() as session:
        later = earlier_in(session, threaded)
        assert later is not None and later.request.action == "list"
        assert later.about is not None and later.about.request == first


def test_outside_threads_a_person_goes_on_with_their_own_last_question(either: Store) -> None:
    accept(either, identify("foo/a"), TEAM, dedup_key="1")
    with either.begin() as session:
        mine = earlier_in(session, TEAM)
        assert mine is not None and mine.request.target == "foo/a"
        assert earlier_in(session, replace(TEAM, user="U2")) is None
        session.query(RequestRow).one().created = now() - timedelta(hours=1)
    with either.begin() as session:
        assert earlier_in(session, TEAM) is None


def test_a_request_comes_back_from_json_as_it_was() -> None:
    schedule = Schedule(every="1d", at=("09:00",), days=("mon",), until=date(2026, 12, 15), channel="#ops")
    asked = Request(verb="watch", text="w", lang="en", target="gw", action="add", schedule=schedule, sure=False)
    assert request_from_json(request_to_json(asked)) == asked
    old = {key: value for key, value in request_to_json(identify("a/b")).items() if key in OLD_FIELDS}
    assert request_from_json(old) == identify("a/b"), "a question kept by an older version"


OLD_FIELDS = {
    "verb", "text", "lang", "target", "family", "constraints", "scenario", "verdict_id", "limit", "refusal",
    "budget_tokens", "thorough", "action", "quantization",
}  # fmt: skip


def test_a_verdict_may_be_named_by_its_target(store: Store, standing: Path) -> None:
    found = ask(store, identify(standing))
    explained = ask(store, Request(verb="explain", text="why?", lang="en", target=str(standing).upper()))
    assert explained.explanation is not None and explained.explanation.id == found.verdict_id
    unknown = ask(store, Request(verb="report", text="report", lang="en", target="nobody/asked"))
    assert isinstance(unknown.error, R1Error) and "nobody/asked" in unknown.error.sentence("en")


def test_what_was_asked_in_private_is_in_nobody_elses_history(either: Store, standing: Path) -> None:
    alone, direct = identify(standing, private=True), replace(TEAM, channel="D1")
    past, why = (
        Request(verb="history", text="", lang="en"),
        Request(verb="explain", text="", lang="en", target=str(standing)),
    )
    ask(either, alone)
    ask(either, replace(alone, private=None, fresh=True), direct)
    other = replace(TEAM, user="U2")
    assert len(ask(either, past).history or ()) == 2 and ask(either, past, other).history == ()
    assert ask(either, why).explanation is not None and ask(either, why, other).error is not None
    ask(either, replace(alone, private=None, fresh=True))
    assert len(ask(either, past, other).history or ()) == 1
