"""An option's value is hardware as a whole, or one sentence says what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.constraints.record import Installed
from engine.errors import R1Error, UsageError
from engine.hardware import load_hardware, menu, parse_hardware


@pytest.mark.parametrize(
    "text", ["2x4090", "2×4090", "2 张 4090", "4090 x2", "rtx-4090:2", "4090*2", "2 x NVIDIA GeForce RTX 4090"]
)
def test_two_4090_in_many_spellings(text: str) -> None:
    assert parse_hardware(text) == (Installed("rtx-4090", 2),)


@pytest.mark.parametrize(
    ("text", "device", "count"),
    [
        ("8×H200", "h200", 8), ("8 卡 H20", "h20-96gb", 8), ("4*A100-80G", "a100-80gb", 4), ("h100:8", "h100-sxm", 8),
        ("Mac Studio M3 Ultra 512GB", "m3-ultra-512gb", 1), ("MI300X*8", "mi300x", 8), ("2x8xH100", "h100-sxm", 16),
        ("16x Ascend 910B", "ascend-910b", 16), ("8xB200 192GB", "b200", 8), ("a T4 GPU", "t4", 1),
    ],
)  # fmt: skip
def test_values_as_options_take_them(text: str, device: str, count: int) -> None:
    assert parse_hardware(text) == (Installed(device, count),)


def test_a_mixture_is_several_and_the_same_device_adds_up() -> None:
    assert parse_hardware("2×4090 + 1×A100") == (Installed("rtx-4090", 2), Installed("a100-80gb", 1))
    assert parse_hardware("4090, 2x4090 和 一张4090") == (Installed("rtx-4090", 4),)


def test_every_device_is_named_by_its_id_and_its_title() -> None:
    for device in load_hardware().values():
        assert parse_hardware(device.id) == (Installed(device.id, 1),)
        title = device.title.partition(" (")[0].removeprefix("Laptop with ").replace(" phone", "")
        if device.id not in ("gb200", "gb300"):  # their titles speak of a part
            assert parse_hardware(title)[0].device == device.id, title


def test_the_menu_is_of_the_catalog() -> None:
    assert {part.device for part in menu()} <= set(load_hardware())
    assert len(set(menu())) == len(menu()) >= 18


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("3 potatoes", "hardware_unknown", "potatoes"),
        ("2x4090 and 3 potatoes", "hardware_unknown", "potatoes"),
        ("", "hardware_unknown", "8xH200"),
        ("RTX 4909", "hardware_unknown", "RTX 4090"),
        ("0 potatoes", "hardware_count", "0"),
        ("0xH100", "hardware_count", "0"),
        ("-1xH100", "hardware_count", "-1"),
        ("1000000xH100", "hardware_count", "10000"),
        ("2.5xH100", "hardware_count", "2.5"),
        ("A100 60GB", "hardware_memory", "40 GB, 80 GB"),
        ("Mac Studio M3 Ultra 400GB", "hardware_memory", "512 GB"),
        ("4090 " * 100, "hardware_too_long", "400"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, code: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_hardware(text)
    assert refused.value.code == code
    assert told in refused.value.sentence("en") and told in refused.value.sentence("zh")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text("0123456789x×*张卡台 hH24090aA-+,()gGbB:.", max_size=30))
def test_no_value_breaks_it(text: str) -> None:
    try:
        parts = parse_hardware(text)
    except R1Error as error:
        assert error.sentence()
    else:
        assert parts and all(part.device in load_hardware() and part.count >= 1 for part in parts)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_every_device_is_read_back_by_its_id(count: int) -> None:
    for device in load_hardware():
        assert parse_hardware(f"{count}x {device}") == (Installed(device, count),)
