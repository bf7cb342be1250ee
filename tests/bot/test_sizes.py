"""What a model takes: a table a person reads, on both surfaces, in both languages; a wrong word is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import engine
from bot.cli import group
from bot.commands import parse
from bot.jobs import Answer
from bot.local_slack.validate import problems_of_message
from bot.presentation import present
from bot.presentation.columns import aligned
from bot.settings import load_settings
from bot.sizing import Sized, sized
from bot.slack.blocks import blocks, fallback, mark
from bot.terminal import mark as terminal_mark
from bot.terminal import render
from engine.errors import UsageError


def shown(question: str) -> str:
    request = parse(question)
    answer = Answer(sizes=sized(request, load_settings()))
    message = present(answer, request, mark, prefix="/r1 ")
    assert problems_of_message({"text": fallback(message), "blocks": blocks(message)}) == []
    return render(present(answer, request, terminal_mark, prefix="r1 "))


def row(text: str, name: str) -> list[str]:
    """The cells of the first row that begins with a name."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_each_quantisation_fits_or_not_and_by_how_much() -> None:
    text = shown("size deepseek-r1:32b --gpu 2x4090 --context 16k --concurrency 4")
    assert text.startswith("R1-Distill-Qwen-32B on 2×NVIDIA RTX 4090")
    assert "It fits as" in text and "the longest 16,384" in text
    bf16, int4 = row(text, "bf16"), row(text, "awq-int4")
    assert bf16[1] == "no" and bf16[2].startswith("-") and int4[1] == "yes" and int4[2].startswith("+")
    sizing = next(entry for entry in engine.size("deepseek-r1:32b", "2x4090") if entry.quantization == "awq-int4")
    assert int4[4] == f"{sizing.memory.weights / 1e9:.1f}"
    assert "TP2 vllm" in text and " an hour, " in text and "draw up to 0.9 kW" in text


def test_what_does_not_fit_has_no_speed() -> None:
    text = shown("size deepseek-r1:671b --gpu 2x4090")
    assert "It does not fit in any quantisation listed." in text and "Speed" not in text


def test_without_hardware_it_names_the_smallest_that_holds_each_quantisation() -> None:
    text = shown("size deepseek-r1:671b")
    assert text.startswith("DeepSeek-R1: what it takes")
    for sizing in engine.size("deepseek-r1:671b"):
        assert sizing.fits and row(text, sizing.quantization)[1] == f"{sizing.memory.weights / 1e9:,.1f}"


def test_several_kinds_of_hardware_are_answered_one_by_one() -> None:
    text = shown("size deepseek-r1:14b --gpu 1x4090+2xL40S")
    assert "1×NVIDIA RTX 4090 24 GB – Memory" in text and "2×NVIDIA L40S 48 GB – Memory" in text


@pytest.mark.parametrize("verb", ["估算", "规格"])
def test_chinese_asks_and_is_answered_in_chinese(verb: str) -> None:
    text = shown(f"{verb} deepseek-r1:32b 2x4090")
    assert "放得下" in text and "显存" in text and "速度（80%" in text


def test_one_quantisation_may_be_asked_about() -> None:
    text = shown("size deepseek-r1:32b --gpu 2x4090 --quantization Q4_K_M")
    assert row(text, "Q4_K_M")[1] == "yes" and "bf16" not in text


def test_columns_are_straight_with_chinese_in_them() -> None:
    lines = aligned(["量化", "ok"], [["a", "1"], ["四个汉字", "22"]]).splitlines()
    assert lines == ["量化      ok", "a          1", "四个汉字  22"]


def test_a_checkpoint_is_sized_by_its_configuration(samples: Path) -> None:
    found = sized(parse(f"size {samples / 'DeepSeek-R1-Distill-Qwen-7B'} --gpu 1x4090"), load_settings())
    assert isinstance(found, Sized) and any(sizing.fits for sizing in found.sizings)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("size nonesuch --gpu 2x4090", "nonesuch"),
        ("size deepseek-r1:32b --gpu '3 potatoes'", "3 potatoes"),
        ("size deepseek-r1:32b 3 potatoes", "3 potatoes"),
        ("size deepseek-r1:32b 8xH20 --gpu 2x4090", "8xH20"),
        ("size deepseek-r1:32b --gpu 2x4090 --gpu 8xH20", "given twice"),
        ("size deepseek-r1:32b --quantization q9", "q9"),
        ("size deepseek-r1:32b --context -3", "-3"),
        ("size deepseek-r1:32b --concurrency nan", "nan"),
        ("size deepseek-r1:32b --ttft 1s", "--ttft is no option"),
        ("size deepseek-r1:32b --gpu", "needs a value"),
        ("size deepseek-r1:32b --gpu ''", "needs a value"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(question: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        sized(parse(question), load_settings())
    said = caught.value.sentence("en").replace("“", "").replace("”", "")
    assert words in said and "\n" not in caught.value.sentence("zh")


def test_a_terminal_prints_the_records_as_json() -> None:
    done = CliRunner().invoke(group, ["size", "deepseek-r1:671b", "8xH20", "--json"], standalone_mode=False)
    assert done.exception is None, done.exception
    found = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["model"] == "DeepSeek-R1" and {entry["device"] for entry in found["sizings"]} == {"h20-96gb"}
