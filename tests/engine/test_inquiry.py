"""Endpoints asked over real HTTP: what they are told for, what that costs, and what is said where nothing can be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from arena import Arena, Served
from endpoint_rows import HYPOTHESES, conversation, fitting
from people import HIDING, HONEST

import engine
from engine.errors import R1Error, TargetError, UsageError
from engine.identification import Identification, Progress
from engine.pipeline import conclude
from engine.planner import decided, plan
from engine.questions.asking import QUESTIONS, Question
from engine.targets.endpoint import THOROUGH, Budget, Reply, parse_endpoint
from engine.text import say

Ask = Callable[..., Identification]


@pytest.fixture
def ask(arena: Arena) -> Ask:
    """Identify one of the arena's endpoints."""
    return lambda served, **options: engine.identify(arena.spec(served), **options)


@contextmanager
def spending(arena: Arena, served: Served) -> Iterator[dict[str, int]]:
    """What the server tallies meanwhile, in its own requests and true tokens."""
    before, spent = arena.tally(served), {}
    yield spent
    after = arena.tally(served)
    spent |= {name: after[name] - before[name] for name in after}


# What they are told for


@pytest.mark.parametrize("variant", HONEST)
def test_an_honest_endpoint_is_told_in_a_handful_of_requests(arena: Arena, ask: Ask, variant: str) -> None:
    served = HONEST[variant]
    with spending(arena, served) as spent:
        found = ask(served)
    assert found.verdict.outcome == served.truth
    assert found.verdict.claim_check == "holds"
    assert variant in (found.verdict.variant, *found.verdict.indistinguishable)
    assert spent["requests"] <= 6 and spent["prompt_tokens"] + spent["completion_tokens"] <= 900
    assert found.target.kind == "endpoint" and found.target.name == served.name
    cost = found.target.cost
    assert (cost.requests, cost.prompt_tokens) == (spent["requests"], spent["prompt_tokens"])


def test_ollamas_own_api_is_spoken(ask: Ask) -> None:
    found = ask(HIDING["ollama"])
    assert (found.verdict.outcome, found.verdict.variant) == ("distilled", "R1-Distill-Qwen-7B")
    assert {"token_count", "serving"} <= {row.probe for row in found.evidence}


@pytest.mark.parametrize("name", ["recounted full", "prompted full", "limited full", "refusing"])
def test_a_full_model_that_looks_odd_is_not_called_anything_else(ask: Ask, name: str) -> None:
    found = ask(HIDING[name])
    assert found.verdict.outcome in ("full", "inconclusive")
    assert found.verdict.claim_check != "misrepresented"
    assert found.verdict.posterior["R1-Distill-Qwen-32B"] < 0.05


def test_a_distill_with_recounted_usage_is_still_told(ask: Ask) -> None:
    verdict = ask(HIDING["recounted distill"]).verdict
    assert (verdict.outcome, verdict.claim_check) == ("distilled", "misrepresented")
    assert "R1-Distill-Qwen-32B" in (verdict.variant, *verdict.indistinguishable)
    assert verdict.posterior["DeepSeek-R1"] < 0.01


def test_a_mixture_is_found_when_thorough_and_both_are_named(ask: Ask) -> None:
    verdict = ask(HIDING["mixture"], budget=THOROUGH).verdict
    assert verdict.outcome == "mixed" and "DeepSeek-R1" in verdict.title and "Qwen" in verdict.title
    low, high = (int(verdict.reasons[0].values[name].rstrip("%")) for name in ("low", "high"))
    assert low <= 30 <= high


def test_a_thorough_look_makes_the_full_model_certain(ask: Ask) -> None:
    quick, thorough = ask(HONEST["DeepSeek-R1"]), ask(HONEST["DeepSeek-R1"], budget=THOROUGH)
    assert quick.verdict.confidence < thorough.verdict.confidence
    assert thorough.verdict.grade == "confident"
    assert {"routing", "long_context", "self_report"} <= {row.probe for row in thorough.evidence}


def test_an_endpoint_is_no_encoder_of_the_articles(ask: Ask) -> None:
    assert ask(HONEST["DeepSeek-R1"], family="article").verdict.outcome in ("other", "inconclusive")


# References


def test_recorded_references_make_knowledge_vote_and_tell_a_full_proxy(ask: Ask, references: list[Path]) -> None:
    blind = ask(HIDING["proxy"]).verdict
    assert blind.grade != "confident"
    found = ask(HIDING["proxy"], reference_files=references)
    row = next(row for row in found.evidence if row.probe == "knowledge")
    assert row.votes and row.values["form"] == ""
    assert found.verdict.outcome != "full" and found.verdict.claim_check == "misrepresented"
    assert found.verdict.posterior["DeepSeek-R1"] < blind.posterior["DeepSeek-R1"] / 3


def test_references_do_not_turn_the_full_model_into_anything_else(ask: Ask, references: list[Path]) -> None:
    for name in ("prompted full", "refusing"):
        found = ask(HIDING[name], reference_files=references, budget=THOROUGH)
        assert found.verdict.outcome == "full", name
        assert any(row.probe == "knowledge" and row.votes for row in found.evidence)


def test_a_reference_holds_what_was_answered_and_nothing_secret(references: list[Path]) -> None:
    recorded = json.loads(references[0].read_text())
    assert recorded["variant"] == "DeepSeek-R1" and len(recorded["facts"]) >= 60 and recorded["problems"]
    assert recorded["host"] == "127.0.0.1" and recorded["requests"] > 10 and recorded["prompt_tokens"] > 0


def test_too_little_is_no_reference(arena: Arena) -> None:
    endpoint = parse_endpoint(arena.spec(HONEST["DeepSeek-R1"]))
    with pytest.raises(TargetError, match="too few"):
        engine.record_reference(endpoint, "DeepSeek-R1", budget=Budget(tokens=2_500))


# What it costs


@pytest.mark.parametrize("name", ["refusing", "withheld", "recounted distill"])
@pytest.mark.parametrize("requests", [1, 2, 3, 4, 5, 7, 9])
def test_requests_are_never_more_than_allowed(arena: Arena, ask: Ask, name: str, requests: int) -> None:
    with spending(arena, HIDING[name]) as spent:
        found = ask(HIDING[name], budget=Budget(requests=requests, thorough=requests > 5))
    assert 0 < spent["requests"] <= requests
    assert found.verdict.outcome != "distilled" or HIDING[name].truth == "distilled"


@pytest.mark.parametrize("tokens", [50, *range(240, 260, 3), *range(400, 430, 5), 900, 2_500])
def test_tokens_are_never_more_than_allowed(arena: Arena, ask: Ask, tokens: int) -> None:
    for served in (HONEST["DeepSeek-R1"], HONEST["R1-Distill-Qwen-7B"], HIDING["recounted full"], HIDING["withheld"]):
        with spending(arena, served) as spent:
            ask(served, budget=Budget(tokens=tokens, thorough=True))
        assert spent["prompt_tokens"] + spent["completion_tokens"] <= tokens, served


def test_a_budget_for_nothing_at_all_is_said_so(ask: Ask) -> None:
    try:
        found = ask(HONEST["DeepSeek-R1"], budget=Budget(tokens=5))
    except R1Error as error:
        assert error.code == "endpoint_budget"
    else:
        assert found.verdict.outcome == "inconclusive"


def test_progress_tells_each_question_as_it_is_put(ask: Ask) -> None:
    seen: list[Progress] = []
    ask(HIDING["recounted distill"], on_progress=seen.append, budget=THOROUGH)
    put = [step for step in seen if step.evidence is None]
    assert [step.done for step in put] == list(range(len(put)))
    assert all(step.done < step.total for step in seen)
    stages = [step.stage for step in seen]
    assert {"opening", "forced", "routing"} <= set(stages)
    assert stages.index("opening") < stages.index("routing")


# Where nothing can be told


def test_what_is_withheld_ends_inconclusive_with_a_reason(ask: Ask) -> None:
    found = ask(HIDING["withheld"])
    assert found.verdict.outcome == "inconclusive"
    reason = found.verdict.reasons[0]
    assert reason.code == "nothing_measured"
    for lang in ("en", "zh"):
        assert say(f"reasons.{reason.code}", lang, **reason.values)
    assert {finding.code for finding in found.target.findings} & {"no_references", "next_would_add"}


def test_a_small_budget_says_what_the_next_question_would_have_added(ask: Ask) -> None:
    found = ask(HIDING["withheld"], budget=Budget(tokens=60))
    findings = {finding.code: finding.values for finding in found.target.findings}
    assert {"budget_spent", "next_would_add"} <= set(findings)
    assert float(findings["next_would_add"]["bits"]) > 0
    assert findings["next_would_add"]["question"] in {question.name for question in QUESTIONS}
    for code, values in findings.items():
        assert say(f"findings.{code}", "en", **values) and say(f"findings.{code}", "zh", **values)


def test_what_shows_nothing_is_not_asked_over_and_over() -> None:
    with answering("m") as (url, asked):
        found = engine.identify(f"{url}#m", budget=THOROUGH)
    assert found.verdict.outcome == "inconclusive" and found.verdict.reasons
    assert len(asked) <= 25


# Which model


@contextmanager
def answering(*names: str) -> Iterator[tuple[str, list[str]]]:
    """A server that lists these models and says "ok" to everything; its URL, and the paths it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({"object": "list", "data": [{"id": name} for name in names]} if "models" in self.path else {})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._send({"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]})

        def _send(self, document: dict[str, Any]) -> None:
            asked.append(self.path)
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()


def test_the_only_model_need_not_be_named(arena: Arena) -> None:
    served = HONEST["R1-Distill-Qwen-7B"]
    found = engine.identify(arena.url(served))
    assert found.target.name == served.name and found.verdict.outcome == "distilled"


def test_of_several_models_one_must_be_named() -> None:
    with answering("deepseek-r1", "qwen3") as (url, _), pytest.raises(UsageError, match=r"#deepseek-r1.*qwen3"):
        engine.identify(url)
    with answering() as (url, _), pytest.raises(TargetError, match="lists no models"):
        engine.identify(url)


# Planning

EVERYTHING = {group: 0.9 for question in QUESTIONS for group in question.speaks}


def question(name: str, tokens: int, speaks: dict[Any, float] | None = None, *, is_open: bool = True) -> Question:
    async def put(*_: Any) -> None: ...

    return Question(name, EVERYTHING if speaks is None else speaks, tokens, put, lambda said: is_open)


def next_of(*questions: Question, rows: tuple[Any, ...] = ()) -> str | None:
    chosen = plan(questions, conversation(), rows, conclude(rows, HYPOTHESES), HYPOTHESES)
    return chosen.question.name if chosen else None


def test_of_questions_that_tell_as_much_the_cheaper_is_put() -> None:
    assert next_of(question("dear", 400), question("cheap", 40)) == "cheap"
    assert next_of(question("dear", 400), question("cheap", 40, is_open=False)) == "dear"
    assert next_of(question("silent", 10, {}), question("cheap", 40)) == "cheap"


def test_what_has_spoken_is_not_asked_about_again() -> None:
    spoken = (fitting("tokens", "R1-Distill-Qwen-7B"), fitting("cut", "R1-Distill-Qwen-7B"))
    assert next_of(question("tokens", 40, {"tokens": 0.9}), rows=spoken) is None
    assert (
        next_of(question("tokens", 40, {"tokens": 0.9}), question("counts", 400, {"accounting": 0.9}), rows=spoken)
        == "counts"
    )
    assert next_of(question("shut", 40, is_open=False)) is None


def test_no_question_is_put_twice_where_once_is_enough() -> None:
    asks = ("long", "short", "period", "repeat", "repeat:zh", "logprobs", "self_report")
    said = conversation(*(Reply(ask, text="x") for ask in asks))
    still = {entry.name for entry in QUESTIONS if entry.tokens and entry.open(said)}
    assert still == set()
    assert Counter(entry.name for entry in QUESTIONS).most_common(1)[0][1] == 1


def test_questions_end_once_it_is_decided(ask: Ask) -> None:
    found = ask(HONEST["R1-Distill-Qwen-7B"])
    assert decided(found.verdict, found.evidence) and found.target.findings == ()
