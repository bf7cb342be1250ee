"""The picture of a choice: every shape of recommendation is drawn, no name covers another, and words say the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import engine
from bot.cli import group
from bot.jobs import Answer
from bot.presentation.pictures import picture_of
from engine.errors import UsageError
from engine.identification import Recommendation
from engine.pictures import picture as picture_module
from engine.pictures.dots import dots_of
from engine.pictures.front import front
from engine.pictures.labels import Box, place, spread

PNG = b"\x89PNG\r\n\x1a\n"
QUESTIONS = {
    "ttft": ({"hardware": "2x4090", "ttft": "1s"}, "customer service in Chinese"),
    "tpot": ({"hardware": "8xH20", "tpot": "20ms"}, "legal contracts"),
    "budget": ({"budget": "5USD/h"}, "mathematics"),
    "both": ({"budget": "5USD/h", "ttft": "500ms"}, "code"),
    "impossible": ({"hardware": "2x4090", "ttft": "1ms"}, "code"),
}


@pytest.fixture(scope="module")
def advice() -> dict[str, Recommendation]:
    return {name: engine.recommend(given, scenario=words) for name, (given, words) in QUESTIONS.items()}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_every_recommendation_is_drawn_and_told_in_words(
    advice: dict[str, Recommendation], name: str, lang: str
) -> None:
    picture = front(advice[name], lang)
    assert picture.png.startswith(PNG) and int.from_bytes(picture.png[16:20], "big") == 1080
    assert len(picture.png) < 300_000 and picture.alt.isprintable()
    option = advice[name].option
    if option is not None:
        assert option.variant in picture.alt and option.sizing.quantization in picture.alt


def test_the_axis_is_what_is_limited(advice: dict[str, Recommendation]) -> None:
    scales = {name: dots_of(found)[1] for name, found in advice.items()}
    assert (scales["ttft"].x, scales["ttft"].limit) == ("ttft", 1.0)
    assert (scales["tpot"].x, scales["tpot"].limit) == ("tpot", 0.02)
    assert scales["budget"].x in ("cost", "tpot") and scales["both"].x == "ttft"
    assert dots_of(engine.recommend(scenario="legal contracts"))[1].limit is None


def test_choice_runner_up_and_what_is_left_out_are_told_apart(advice: dict[str, Recommendation]) -> None:
    found = advice["ttft"]
    dots, _ = dots_of(found)
    assert [dot.role for dot in dots[:2]] == ["choice", "runner_up"]
    assert {dot.option.variant for dot in dots if dot.role == "fails"} == {entry.variant for entry in found.excluded}
    assert len({id(dot.option) for dot in dots}) == len(dots)


def test_the_same_recommendation_gives_the_same_picture(advice: dict[str, Recommendation]) -> None:
    assert front(advice["ttft"]).png == front(advice["ttft"]).png


def test_a_model_may_be_called_anything(advice: dict[str, Recommendation]) -> None:
    found = advice["ttft"]
    assert found.option is not None
    for name in ("$x_{$", "模型", "x" * 200, "\\frac{"):
        assert front(replace(found, option=replace(found.option, variant=name))).png.startswith(PNG)


def test_nothing_sized_is_nothing_to_draw(advice: dict[str, Recommendation]) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        front(Recommendation("full"))
    assert picture_of(Answer(recommendation=Recommendation("full")), "en") is None
    unfit = engine.recommend({"hardware": "1x T4"}, scenario="legal contracts of 128k tokens, 64 at once")
    assert unfit.excluded and picture_of(Answer(recommendation=unfit), "en") is None


def test_where_it_only_asks_no_picture_is_sent(advice: dict[str, Recommendation]) -> None:
    assert picture_of(Answer(recommendation=engine.recommend()), "en") is None
    assert picture_of(Answer(recommendation=advice["ttft"]), "en") is not None
    assert picture_of(Answer(recommendation=advice["impossible"]), "en") is not None


def test_without_a_chinese_font_it_is_labelled_in_english(
    advice: dict[str, Recommendation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_module, "_CHINESE", ())
    picture = front(advice["ttft"], "zh")
    assert picture.lang == "en" and "Choice:" in picture.alt


def test_a_terminal_draws_it_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "front.png"
    done = CliRunner().invoke(
        group, ["recommend", "chatbot", "--gpu", "2x4090", "--picture", str(file)], standalone_mode=False
    )
    assert done.exception is None and str(file) in done.stderr and file.read_bytes().startswith(PNG)


# Names beside dots

_FRAME = Box(0, 0, 600, 400)
_dots = st.lists(st.tuples(st.floats(20, 580), st.floats(20, 380), st.floats(3, 20)), max_size=14)


@given(_dots, st.floats(20, 200), st.floats(8, 40))
def test_no_name_covers_a_dot_or_another_name(
    dots: list[tuple[float, float, float]], width: float, height: float
) -> None:
    boxes = [box for box in place(dots, [(width, height)] * len(dots), _FRAME) if box is not None]
    for number, box in enumerate(boxes):
        assert box.inside(_FRAME) and not any(box.overlaps(other) for other in boxes[:number])
        assert not any(box.overlaps(Box(x - r, y - r, x + r, y + r)) for x, y, r in dots)


def test_a_dot_alone_has_its_name_beside_it() -> None:
    (box,) = place([(100, 100, 5)], [(50, 10)], _FRAME)
    assert box is not None and box.left == 110 and (box.bottom + box.top) / 2 == 100


@given(st.lists(st.floats(-50, 500), min_size=1, max_size=12))
def test_names_in_a_column_keep_their_order_and_their_distance(wanted: list[float]) -> None:
    found = spread(wanted, 30, 0, 400)
    ordered = sorted(found)
    assert all(0 <= y <= 400 for y in found)
    assert all(after - before >= min(30, 400 / max(1, len(wanted) - 1)) - 1e-6 for before, after in pairwise(ordered))
    assert [found[i] for i in sorted(range(len(wanted)), key=lambda i: wanted[i])] == ordered
