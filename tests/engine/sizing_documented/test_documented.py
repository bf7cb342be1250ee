"""Sizing held to documents: sizes of published files, and hardware on which somebody says a model runs or does not.

The cases and where each was read are in ``tests/benchmarks/sizing/documented.yaml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.hardware import load_hardware, parse_hardware
from engine.hardware.schema import Device
from engine.sized import Workload
from engine.sizing import find_model, quantizations, size_option
from engine.sizing.engines import serving_of
from engine.sizing.machine import machine_of

DOCUMENTED = yaml.safe_load(
    (Path(__file__).parents[2] / "benchmarks" / "sizing" / "documented.yaml").read_text("utf-8")
)
SIZES: list[dict[str, Any]] = DOCUMENTED["sizes"]
CASES: list[dict[str, Any]] = DOCUMENTED["cases"]


def _named(entry: dict[str, Any]) -> str:
    words = [entry["model"], entry["quantization"], entry.get("hardware", ""), str(entry.get("context", ""))]
    return " ".join(word for word in words if word).replace(" ", "_")


@pytest.mark.parametrize("published", SIZES, ids=_named)
@pytest.mark.parametrize("fast", [False, True], ids=["any", "a_gpu"])
def test_weights_are_within_two_percent_of_the_published_files(published: dict[str, Any], fast: bool) -> None:
    variant = find_model(published["model"])
    entry = quantizations()[published["quantization"]]
    usual = (
        ("4xH200" if fast else "Mac Studio M3 Ultra 512GB") if entry.kind == "gguf" else "8xB200" if fast else "1xB200"
    )
    (installed,) = parse_hardware(published.get("hardware", usual))
    device = load_hardware()[installed.device]
    weights = size_option(variant, entry.id, device, installed.count, Workload()).memory.weights
    if published["holds"] == "stored":
        weights *= variant.parameters.stored / variant.parameters.main
    size = published["gb"] * 1e9 if "gb" in published else published["gib"] * 2**30
    assert weights == pytest.approx(size, rel=published.get("digits", 0.02))


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_what_is_documented_to_fit_fits_and_what_is_documented_not_to_does_not(case: dict[str, Any]) -> None:
    (installed,) = parse_hardware(case["hardware"])
    device = load_hardware()[installed.device]
    if "usable" in case:
        device = _given(device, case["engine"], case["usable"])
    workload = Workload(context=case.get("context", 4096), concurrency=case.get("concurrency", 1))
    answer = size_option(
        find_model(case["model"]), case["quantization"], device, installed.count, workload, engine=case["engine"]
    )
    assert answer.fits is case["fits"], (answer.memory, answer.layout, answer.notes)


def test_every_documented_case_names_a_source_that_is_there_and_every_source_is_used() -> None:
    assert {entry["source"] for entry in (*SIZES, *CASES)} == set(DOCUMENTED["sources"])
    assert all(source["what"] and source["address"] for source in DOCUMENTED["sources"].values())


def _given(device: Device, engine: str, share: float) -> Device:
    """The device as a server sees it that was told to take ``share`` of it instead of its usual one."""
    usual = serving_of(engine, machine_of(device)).share
    return device.model_copy(update={"usable": device.usable * share / usual})
