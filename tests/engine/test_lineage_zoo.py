"""The lineage fingerprint on real weights: descendants under disguises, strangers alike in everything but the seed, and
students distilled here. The whole arena is ``tests/benchmarks/lineage``; this is a small part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lineage import derive, zoo
from lineage.zoo import Base, Student

from engine.weights.fingerprint import LOOKED, compare, take
from engine.weights.records import Fingerprint, Relation

_SHAPE = (("hidden_size", 96), ("intermediate_size", 192), ("num_hidden_layers", 4))
_STUDENTS = {
    "half of its blocks": Student("one", "layers", 2, seed=3, steps=30),
    "half as deep, from nothing": Student("one", "scratch", 2, seed=4, steps=30),
    "as deep, from nothing": Student("one", "scratch", 4, seed=5, steps=30),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two Llamas trained alike but for their seed, and students of the first."""
    folder = tmp_path_factory.mktemp("zoo")
    for seed, name in enumerate(("one", "two"), start=1):
        zoo.train(Base("llama", seed, steps=60, shape=_SHAPE), folder / name)
    for name, recipe in _STUDENTS.items():
        zoo.distilled(recipe, folder, folder / name)
    return folder


@pytest.fixture(scope="module")
def references(root: Path) -> dict[str, Fingerprint]:
    """Fingerprints as references hold them: of every layer."""
    return {name: take(str(derive.make(name, root))) for name in ("one", "two", zoo.MINILM)}


def _told(root: Path, name: str, reference: Fingerprint) -> Relation:
    return compare(take(str(derive.make(name, root)), layers=LOOKED), reference)


@pytest.mark.parametrize(
    "how",
    ["tuned", "lora", "sparse", "two of four", "int8", "int4", "gptq", "fp8", "sharded", "prefixed", "meta names",
     "permuted", "everything", "tuned+permuted+int4"],
)  # fmt: skip
def test_a_descendant_is_told_from_its_base_and_is_a_stranger_to_the_other(
    root: Path, references: dict[str, Fingerprint], how: str
) -> None:
    assert _told(root, f"one+{how}", references["one"]).kind in ("same", "tuned")
    assert _told(root, f"one+{how}", references["two"]).kind == "unrelated"


@pytest.mark.parametrize("how", ["shallower", "deeper"])
def test_blocks_taken_out_or_doubled_are_seen(root: Path, references: dict[str, Fingerprint], how: str) -> None:
    assert _told(root, f"one+{how}", references["one"]).kind == "resized"
    assert _told(root, f"one+{how}", references["two"]).kind == "unrelated"


def test_two_trainings_that_differ_in_the_seed_are_strangers(root: Path, references: dict[str, Fingerprint]) -> None:
    assert _told(root, "two", references["one"]).kind == "unrelated"
    assert _told(root, "one", references["one"]).kind == "same"


@pytest.mark.parametrize("student", _STUDENTS)
def test_a_student_is_not_its_teacher(root: Path, references: dict[str, Fingerprint], student: str) -> None:
    told = _told(root, student, references["one"])
    assert told.kind == ("resized" if "its blocks" in student else "unrelated"), told


@pytest.mark.parametrize("how", ["permuted", "int4", "sparse"])
def test_an_encoder_as_published_is_told_under_disguise(
    root: Path, references: dict[str, Fingerprint], how: str
) -> None:
    assert _told(root, f"{zoo.MINILM}+{how}", references[zoo.MINILM]).kind in ("same", "tuned")
    assert _told(root, f"{zoo.MINILM}+{how}", references["one"]).kind == "unrelated"
