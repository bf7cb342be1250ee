"""Devices and their memory: what is seen, what may be used of it, and what is said where torch is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.errors import UsageError
from engine.units import bytes_text, read_bytes
from engine.weights.devices import Device, chosen, seen
from engine.weights.host import Memory, cores, host_memory


def test_the_cpu_is_always_seen_and_comes_last() -> None:
    cpu = seen()[-1]
    assert (cpu.id, cpu.where) == ("cpu", "") and "float32" in cpu.dtypes
    assert 0 < cpu.budget < cpu.memory_free <= cpu.memory_total and cores() >= 1


def test_devices_are_named_as_torch_names_them() -> None:
    assert [device.id for device in chosen("cpu, cpu:0")] == ["cpu", "cpu"]
    assert {device.id for device in chosen("")} <= {device.id for device in seen()}
    with pytest.raises(UsageError, match="choose among"):
        chosen("cpu,cuda:99")
    assert [Device(kind, 1, "", 1, 1).id for kind in ("cuda", "xpu", "npu", "mps")] == [
        "cuda:1",
        "xpu:1",
        "npu:1",
        "mps",
    ]  # type: ignore[arg-type]


def test_without_torch_there_is_the_cpu_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert [(device.id, device.dtypes) for device in engine.devices()] == [("cpu", ())]
    with pytest.raises(UsageError, match=r"r1-detective\[weights\]"):
        chosen("cuda:0")


def test_a_margin_is_left_alone_and_a_setting_decides() -> None:
    assert Device("cpu", 0, "", 100 << 30, 100 << 30).budget == (90 << 30)
    assert Device("cpu", 0, "", 1 << 30, 1 << 30).budget == 512 << 20
    assert Device("cpu", 0, "", 1 << 30, 1 << 20).budget == 0
    assert [device.budget for device in engine.devices(devices="cpu", memory_budget=5_000)] == [5_000]


def test_fp8_is_a_matter_of_hardware() -> None:
    assert Device("cuda", 0, "H100", 1, 1, ("float32", "float8_e4m3fn")).fp8 and not seen()[-1].fp8


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_gets_no_more_than_its_group_may_use(tmp_path: Path, version: int) -> None:
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal:       16000 kB\nMemFree: 1000 kB\nMemAvailable:    9000 kB\n")
    assert host_memory(proc, groups) == Memory(16000 << 10, 9000 << 10)
    (proc / "self" / "cgroup").write_text("0::/pod/app\n" if version == 2 else "5:cpu:/x\n4:memory:/pod/app\n")
    root = groups if version == 2 else groups / "memory"
    for folder, most in ((root / "pod" / "app", "max"), (root / "pod", "4096000")):
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in zip(names, (most, "3000000", ""), strict=True):
            (folder / name).write_text(value)
        (folder / "memory.stat").write_text(f"cache 9\n{names[2]} 1000000\n")
    assert host_memory(proc, groups) == Memory(4_096_000, 4_096_000 - 3_000_000 + 1_000_000)


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("16 GiB", 16 << 30), ("1.5t", 15 * 10**11), ("500", 500), ("64kb", 64_000), ("2 B", 2)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert read_bytes(text) == size


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        assert read_bytes(text) >= 0
    except ValueError as error:
        assert "20GB" in str(error)


@given(st.integers(1, 999), st.sampled_from(["KB", "MB", "GB", "TB"]))
def test_a_size_that_was_shown_is_read_again(number: int, unit: str) -> None:
    assert bytes_text(read_bytes(f"{number} {unit}")) == f"{number} {unit}"
