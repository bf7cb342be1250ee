"""The forms themselves: valid by Slack's limits whatever they are filled in with, and read back as they were filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.jobs import WatchLine
from bot.local_slack.modals import Modals
from bot.local_slack.validate_view import problems_of_view
from bot.people import Person
from bot.presentation.home import Home
from bot.requests import Lang, Request, Schedule
from bot.settings import load_settings
from bot.slack.forms.fields import Where, Wrong, typed_in, unpacked
from bot.slack.forms.preferences import defaults_view, edit_view, read_defaults
from bot.slack.forms.questions import read_compare, read_identify, read_recommend, read_size
from bot.slack.forms.targets import Offered
from bot.slack.forms.watching import read_watch
from bot.slack.home import home_view
from bot.slack.modals import VIEWS
from bot.store.models import now
from bot.store.queries import HistoryRow

READ: dict[str, Any] = {
    "identify": read_identify, "recommend": read_recommend, "size": read_size, "compare": read_compare,
    "watch": read_watch,
}  # fmt: skip
LANGS = st.sampled_from(["en", "zh"])
WORDS = st.text(max_size=600) | st.just("😀" * 400) | st.just("שלום עולם " * 40) | st.just("<@U1> *x* `y` &amp;" * 60)
NAMES = st.lists(st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True), max_size=120, unique=True)
CONSTRAINTS = st.dictionaries(st.sampled_from(["hardware", "task", "context", "memory", "concurrency", "ttft"]), WORDS)


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS, WORDS, NAMES, NAMES, CONSTRAINTS, LANGS)
def test_every_form_is_valid_at_the_extremes(
    target: str, other: str, words: str, names: list[str], found: list[str], demands: dict[str, str], lang: Lang
) -> None:
    request = Request("identify", "", lang, target, other=other, scenario=words, constraints=demands, thorough=True)
    where = Where(lang, "C0MODELS", "1.2", "https://hooks.slack.com/" + "x" * 300, True, "abcdefghjk")
    for view in VIEWS.values():
        for offered in (Offered(), Offered(tuple(names), note=words[:200] or "-"), Offered(tuple(names), tuple(found))):
            assert problems_of_view(view(request, where, offered)) == []
    assert problems_of_view(edit_view(words, where)) == []
    assert problems_of_view(defaults_view(Person("zh", lang, "Asia/Shanghai", True, words), where)) == []


@settings(max_examples=30, deadline=None)
@given(WORDS, WORDS, LANGS, st.booleans())
def test_a_full_home_tab_is_valid_at_the_extremes(target: str, title: str, lang: Lang, admin: bool) -> None:
    outcomes, checks = ("full", "distilled", "mixed", "inconclusive"), ("holds", "misrepresented", "unproven", "none")
    rows = tuple(
        HistoryRow(f"abcdefgh{at:02d}", now(), target or "x", outcomes[at % 4], title, 0.97, checks[at % 4])
        for at in range(60)
    )
    watches = tuple(
        WatchLine(f"abcdefgh{at:02d}", target or "x", Schedule(every="6h", at=("09:00",) * 9, until=date(2030, 1, 1)),
                  "UTC", ("active", "paused")[at % 2], "C1", "U1", now(), now(), None, 9, "full", title)
        for at in range(60)
    )  # fmt: skip
    view = home_view(Home(Person(lang, None, "Asia/Shanghai", False, title), rows, watches, admin), lang)
    assert problems_of_view(view, "home") == [] and len(view["blocks"]) <= 100


def filled(form: str, request: Request, offered: Offered | None = None, **typed: Any) -> Request:
    """The request that a form gives back, once a person has opened it, typed into it and submitted it."""
    modals = Modals()
    view = VIEWS[form](request, Where(request.lang), offered or Offered())
    modals.open({"trigger_id": modals.trigger("U1"), "view": view})
    shown = modals.submission(modals.opened[0], typed, "T1")["view"]
    read: Request = READ[form](typed_in(shown["state"]["values"]), unpacked(shown["private_metadata"]), load_settings())
    return read


@pytest.mark.parametrize(
    "request_",
    [
        Request("identify", "", "en", "org/name", scenario="for lawyers", thorough=True, constraints={"memory": "48GB"}),
        Request("recommend", "", "zh", constraints={"hardware": "2x4090", "task": "code", "tpot": "50ms"}),
        Request("recommend", "", "en", scenario="legal contracts", constraints={"budget": "5 USD/h", "ttft": "1s"}),
        Request("size", "", "en", "deepseek-r1:32b", constraints={"hardware": "8xH20", "context": "32k"}),
        Request("compare", "", "zh", "a/b", other="c/d"),
        Request("watch", "", "en", "org/name", action="add",
                schedule=Schedule(every="6h", until=date(2030, 1, 31), quiet="22:00-08:00", timezone="Asia/Shanghai")),
        Request("watch", "", "en", "prod", action="add",
                schedule=Schedule(every="1d", at=("09:00",), days=("mon", "fri"), channel="C0OPS", timezone="UTC")),
    ],
    ids=lambda request: f"{request.verb}-{request.lang}-{request.target or request.scenario or 'hardware'}",
)  # fmt: skip
def test_a_form_gives_back_what_it_was_filled_in_with(request_: Request) -> None:
    assert filled(request_.verb, request_) == request_


def test_what_is_typed_is_read_and_what_was_known_is_kept() -> None:
    known = Request("identify", "", "en", constraints={"memory": "48GB"})
    asked = filled("identify", known, Offered(("vendor-a", "vendor-b")), target_known="vendor-b", thorough=["yes"])
    assert (asked.target, asked.thorough, asked.constraints) == ("vendor-b", True, {"memory": "48GB"})
    asked = filled("recommend", Request("recommend", "", "en"), concurrency="8", task="legal", words="about  contracts")
    assert (asked.constraints, asked.scenario) == ({"concurrency": "8", "task": "legal"}, "about contracts")
    typed: dict[str, Any] = {"target": "prod", "schedule": "every weekday at 9:00", "quiet": "22:00 to 8:00"}
    watched = filled("watch", Request("watch", "", "en"), **typed)
    assert watched.schedule == Schedule(
        every="1d", at=("09:00",), days=("mon", "tue", "wed", "thu", "fri"), quiet="22:00-08:00", timezone="UTC"
    )
    assert filled("watch", Request("watch", "", "zh"), target="prod", schedule="每 6 小时").schedule == Schedule(
        every="6h", timezone="UTC"
    )


@pytest.mark.parametrize(
    ("form", "typed", "wrong"),
    [
        ("identify", {"target": " "}, {"target": "form_target"}),
        ("identify", {"target": "sk-abcdefghijklmnop1234"}, {"target": "secret_in_form"}),
        ("identify", {"target": "a/b", "words": "password: hunter2222"}, {"words": "secret_in_form"}),
        ("recommend", {}, {"hardware": "form_empty"}),
        ("recommend", {"hardware": "two toasters", "ttft": "5 kg"}, {"hardware": "hardware_unknown", "ttft": ""}),
        ("recommend", {"hardware": "2x4090", "budget": "cheap"}, {"budget": ""}),
        ("size", {"target": "deepseek-r1:32b", "context": "-3"}, {"context": ""}),
        ("compare", {"target": "a/b", "other": "A/B"}, {"other": "form_same"}),
        ("compare", {"target": " ", "other": " "}, {"target": "form_target", "other": "form_target"}),
        ("watch", {"target": " ", "schedule": "whenever you like", "quiet": "at night"},
         {"target": "form_target", "schedule": "form_schedule", "quiet": "form_quiet"}),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_told_beside_its_field(form: str, typed: dict[str, str], wrong: dict[str, str]) -> None:
    with pytest.raises(Wrong) as caught:
        READ[form](typed, Where("en"), load_settings())
    assert set(caught.value.errors) == set(wrong)
    for name, code in wrong.items():
        error = caught.value.errors[name]
        assert code in ("", error.code) and all(error.sentence(lang) for lang in ("en", "zh"))


def test_defaults_are_read_as_they_are_shown() -> None:
    person = Person("en", "zh", "UTC", True, "2x4090, customer service")
    modals = Modals()
    modals.open({"trigger_id": modals.trigger("U1"), "view": defaults_view(person, Where("en"))})
    values = modals.submission(modals.opened[0], {}, "T1")["view"]["state"]["values"]
    chosen = read_defaults(typed_in(values))
    assert (chosen.lang, chosen.private, chosen.defaults) == ("zh", True, "2x4090, customer service")
    with pytest.raises(Wrong) as caught:
        read_defaults({"usual": "the usual", "language": "slack", "private": "public"})
    assert caught.value.errors["usual"].code == "form_usual"


def test_where_an_answer_goes_travels_with_the_form() -> None:
    where = Where("zh", "C1", "1.2", "https://h/x", True, "abc", {"memory": "48GB"})
    assert unpacked(where.packed()) == where
    assert unpacked("") == unpacked("no json") == unpacked("[1]") == Where("en")
    long = replace(where, response_url="https://h/" + "x" * 4000)
    assert unpacked(long.packed()) == replace(where, response_url=None)
