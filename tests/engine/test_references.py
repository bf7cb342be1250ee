"""References: what a trusted endpoint answered, kept in a file that people copy, edit and lose."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.catalog import load_family
from engine.errors import CatalogError, UsageError
from engine.pipeline import hypotheses_of
from engine.probes import capability, entropy, knowledge
from engine.questions.facts import pick
from engine.questions.sentences import load_sentences
from engine.references import Reference, load_references
from engine.targets.endpoint import Endpoint

FACTS = pick(1, 40)
ENDPOINT = Endpoint("http://127.0.0.1:9/v1", "deepseek-r1")
KNOWN = {
    "DeepSeek-R1": {fact.id: fact.answer + (3 if number % 3 == 0 else 0) for number, fact in enumerate(FACTS)},
    "R1-Distill-Qwen-7B": {fact.id: fact.answer + (7 if number % 3 else 0) for number, fact in enumerate(FACTS)},
}
"""Each is wrong in its own way."""
RIGHT = {fact.id: {str(fact.answer): 2} for fact in FACTS}
SENTENCES = [sentence.id for sentence in load_sentences()]
COUNTS = st.dictionaries(st.text(alphabet="0123456789-", max_size=12), st.integers(0, 1_000_000), max_size=4)
REFERENCES = st.builds(
    Reference,
    variant=st.sampled_from(["DeepSeek-R1", "DeepSeek-V3", "R1-Distill-Qwen-7B", "Qwen2.5-7B-Instruct"]),
    facts=st.dictionaries(st.sampled_from([*RIGHT, "no such fact"]), COUNTS, max_size=8),
    problems=st.dictionaries(st.sampled_from("123456"), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    entropies=st.dictionaries(st.sampled_from(SENTENCES), st.floats(0, 20)),
    host=st.text(max_size=20),
    created=st.dates().map(lambda day: day.isoformat()),
)


def written(folder: Path, content: Any, name: str = "mine.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def refused(path: Path) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        load_references([path])
    return caught.value


# Files


@given(REFERENCES)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> None:
    path = written(tmp_path_factory.mktemp("references"), reference.model_dump(mode="json"))
    assert load_references([path]) == (reference,)


def test_a_reference_needs_no_more_than_its_variant(tmp_path: Path) -> None:
    assert load_references([written(tmp_path, {"variant": "DeepSeek-R1"})])[0].facts == {}
    assert load_references([]) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no reference"),
        ("not JSON at all", "no reference"),
        ("[1, 2, 3]", "no reference"),
        ("[" * 100_000, "no reference"),
        ("[" * 3_000_000, "too large"),
        ("{}", "variant"),
        ({"variant": ""}, "variant"),
        ({"variant": "x" * 500}, "variant"),
        ({"variant": "DeepSeek-R1", "colour": "blue"}, "colour"),
        ({"variant": "DeepSeek-R1", "format": 99}, "format"),
        ({"variant": "DeepSeek-R1", "facts": [1]}, "facts"),
        ({"variant": "DeepSeek-R1", "facts": {"pi": {"3": "often"}}}, "facts.pi.3"),
        ({"variant": "DeepSeek-R1", "facts": {"pi": {"3": -2}}}, "facts.pi.3"),
        ({"variant": "DeepSeek-R1", "facts": {"pi": {"3": 10**12}}}, "facts.pi.3"),
        ({"variant": "DeepSeek-R1", "problems": {"4": [1]}}, "problems.4"),
        ({"variant": "DeepSeek-R1", "problems": {"4": [-1, 8]}}, "problems.4"),
        ('{"variant": "DeepSeek-R1", "entropies": {"en-common-1": NaN}}', "entropies"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_invalid_file_is_refused_by_name_with_what_is_wrong(tmp_path: Path, content: Any, words: str) -> None:
    error = refused(written(tmp_path, content))
    for lang in ("en", "zh"):
        assert "mine.json" in error.sentence(lang) and "?" not in error.sentence(lang)
    assert words in error.sentence("en")


def test_a_missing_file_is_named_and_so_is_one_that_is_none(tmp_path: Path) -> None:
    assert "gone.json" in refused(tmp_path / "gone.json").sentence()
    assert tmp_path.name in refused(tmp_path).sentence()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(10**10)
    assert "huge.json" in refused(path).sentence() and "too large" in refused(path).sentence()


def test_bad_references_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"mine\.json"):
        engine.identify("http://127.0.0.1:9/v1#m", reference_files=[written(tmp_path, "{}")])


# Variants


def test_nothing_can_be_recorded_as_a_variant_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"DeepSeek-R2.*DeepSeek-R1"):
        engine.record_reference(ENDPOINT, "DeepSeek-R2")


@given(st.lists(st.tuples(st.sampled_from(["DeepSeek-R1", "DeepSeek-V3"]), st.dates()), max_size=6))
def test_of_several_references_of_a_variant_the_newest_counts(made: list[tuple[str, Any]]) -> None:
    references = tuple(
        Reference(variant=name, created=day.isoformat(), host=str(number)) for number, (name, day) in enumerate(made)
    )
    kept = {entry.variant: entry for entry in hypotheses_of(load_family("deepseek-r1"), references).references}
    assert kept.keys() == {name for name, _ in made}
    for name, entry in kept.items():
        assert entry.created == max(day for other, day in made if other == name).isoformat()


def test_a_reference_of_another_familys_variant_is_no_reference_here() -> None:
    """Bots keep all their references in one folder, whichever family they are asked about."""
    foreign = (Reference(variant="my-own-teacher", facts=RIGHT),)
    assert hypotheses_of(load_family("deepseek-r1"), foreign).references == ()
    seen = {"answers": {fact.id: fact.answer for fact in FACTS}}
    row = knowledge.score(seen, hypotheses_of(load_family("deepseek-r1"), foreign))
    assert not row.votes and row.values["form"] == "alone"


# What they are worth


def test_answers_like_those_recorded_speak_for_the_variant_recorded() -> None:
    recorded = tuple(
        Reference(variant=variant, facts={name: {str(answer): 2} for name, answer in known.items()})
        for variant, known in KNOWN.items()
    )
    hypotheses = hypotheses_of(load_family("deepseek-r1"), recorded, served=True)
    for variant, known in KNOWN.items():
        row = knowledge.score({"answers": {fact.id: known[fact.id] for fact in FACTS[:20]}}, hypotheses)
        assert max(row.log_likelihood, key=lambda name: row.log_likelihood[name]) == variant
        assert row.group == "recall" and row.strength == "strong"


@given(
    st.lists(REFERENCES, max_size=4),
    st.dictionaries(st.sampled_from([*RIGHT, "no such fact"]), st.none() | st.integers(-(10**30), 10**30)),
    st.dictionaries(st.sampled_from("123456"), st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)),
    st.dictionaries(st.sampled_from([*SENTENCES, "no such sentence"]), st.floats(0, 20)),
)
def test_whatever_was_recorded_and_answered_can_be_compared(
    recorded: list[Reference], answers: dict[str, int | None], levels: dict[str, list[int]], nats: dict[str, float]
) -> None:
    hypotheses = hypotheses_of(load_family("deepseek-r1"), tuple(recorded), served=True)
    for row in (
        knowledge.score({"answers": answers}, hypotheses),
        capability.score({"levels": levels}, hypotheses),
        entropy.score({"entropies": nats}, hypotheses),
    ):
        assert all(map(math.isfinite, row.log_likelihood.values()))
        assert set(row.log_likelihood) in (set(), set(hypotheses.ids))
