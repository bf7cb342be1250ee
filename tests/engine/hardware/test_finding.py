"""Hardware named in a sentence is found with its number; what only looks like hardware is not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import R1Error, UsageError
from engine.hardware import find_hardware, parse_hardware


def found(text: str) -> list[tuple[str, int]]:
    return [(mention.installed.device, mention.installed.count) for mention in find_hardware(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We have 2×4090 and need answers under a second", [("rtx-4090", 2)]),
        ("I have a 4090 at home", [("rtx-4090", 1)]),
        ("can my RTX 3090 run it?", [("rtx-3090", 1)]),
        ("two nodes of 8xH100", [("h100-sxm", 16)]),
        ("2 nodes with 8 H100 each", [("h100-sxm", 16)]),
        ("four servers, each with 8x H200", [("h200", 32)]),
        ("a single L4 in the rack", [("l4", 1)]),
        ("a pair of RTX 6000 Ada cards", [("rtx-6000-ada", 2)]),
        ("dual 3090s with NVLink", [("rtx-3090", 2)]),
        ("on an 8-GPU H100 server", [("h100-sxm", 8)]),
        ("an 8-way A100 80GB box", [("a100-80gb", 8)]),
        ("A100 40G would do", [("a100-40gb", 1)]),
        ("8 NVIDIA A100-SXM4-80GB GPUs", [("a100-80gb", 8)]),
        ("A100 80GB PCIe x4", [("a100-pcie-80gb", 4)]),
        ("DGX H100", [("h100-sxm", 8)]),
        ("one HGX H200 board", [("h200", 8)]),
        ("a GB200 NVL72 rack", [("gb200", 72)]),
        ("two DGX A100 320GB", [("a100-40gb", 16)]),
        ("8xH100 (640GB in total)", [("h100-sxm", 8)]),
        ("4090 24GB, 64GB RAM", [("rtx-4090", 1)]),
        ("my M2 Max with 64GB", [("m2-max-64gb", 1)]),
        ("M2 Max 64GB MacBook Pro", [("m2-max-64gb", 1)]),
        ("MacBook Pro M3 Max 128GB", [("m3-max-128gb", 1)]),
        ("an iPhone 15 Pro", [("a17-pro-8gb", 1)]),
        ("dual-socket EPYC 9654 with 768GB", [("epyc-9654-384gb", 2)]),
        ("EPYC 9654 768GB", [("epyc-9654-768gb", 1)]),
        ("2x Xeon Gold 6430, 1TB DDR5", [("xeon-6430-512gb", 2)]),
        ("Jetson AGX Orin 64GB", [("jetson-agx-orin-64gb", 1)]),
        ("2×4090 + 1×A100", [("rtx-4090", 2), ("a100-80gb", 1)]),
        ("A100/H100", [("a100-80gb", 1), ("h100-sxm", 1)]),
        ("we don't have H100s, only 4x L4", [("l4", 4)]),
        ("We replaced our T4s with 8×H200", [("h200", 8)]),
        ("H200s are sold out, we take 4xL40S", [("l40s", 4)]),
        ("two 4090 (24 GB each)", [("rtx-4090", 2)]),
        ("Is a 4090 enough? We have 2×4090.", [("rtx-4090", 2)]),
        ("DeepSeek-R1-0528 on 16 H800", [("h800", 16)]),
        ("Qwen3-8B on one L40S", [("l40s", 1)]),
        ("gpu=4090", [("rtx-4090", 1)]),
        ("**A100** or `L4`?", [("a100-80gb", 1), ("l4", 1)]),
        ("in 2025 H100 prices fell", [("h100-sxm", 1)]),
        ("RTX 4090 2x faster than T4", [("rtx-4090", 1), ("t4", 1)]),
    ],
)
def test_english_names_with_their_numbers(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我们有两张4090，想做中文客服", [("rtx-4090", 2)]),
        ("双路4090够吗", [("rtx-4090", 2)]),
        ("双卡 3090", [("rtx-3090", 2)]),
        ("一台 8 卡 H100 服务器", [("h100-sxm", 8)]),
        ("两台8卡H20", [("h20-96gb", 16)]),
        ("两台服务器，每台8张A800", [("a800", 16)]),
        ("8 张 A100 80G", [("a100-80gb", 8)]),
        ("八卡H20，96G显存", [("h20-96gb", 8)]),
        ("H20 141G 8卡", [("h20-141gb", 8)]),
        ("十六张910B", [("ascend-910b", 16)]),
        ("昇腾910B ×8", [("ascend-910b", 8)]),
        ("华为昇腾 910B4 32G 八张", [("ascend-910b-32gb", 8)]),
        ("一张80G的A100", [("a100-80gb", 1)]),
        ("三台Mac Studio M3 Ultra 512GB", [("m3-ultra-512gb", 3)]),
        ("一台MacBook Pro M4 Max 64G", [("m4-max-64gb", 1)]),
        ("骁龙8 Gen3 手机", [("snapdragon-8-gen-3-16gb", 1)]),
        ("骁龙8至尊版 12GB", [("snapdragon-8-elite-12gb", 1)]),
        ("天玑9400手机", [("dimensity-9400-16gb", 1)]),
        ("树莓派5能跑吗", [("raspberry-pi-5-8gb", 1)]),
        ("用4090跑32B", [("rtx-4090", 1)]),
        ("4090显卡两张", [("rtx-4090", 2)]),
        ("没有H100，只有4张L20", [("l20", 4)]),
        ("魔改4090 48G 8张", [("rtx-4090-48gb", 8)]),
        ("２×４０９０", [("rtx-4090", 2)]),
        ("兩張4090", [("rtx-4090", 2)]),
        ("H200 买不到，只有 2 张 4090", [("rtx-4090", 2)]),
        ("我们把 T4 换成了 8 卡 H200", [("h200", 8)]),
        ("两张 4090（每张 24G）", [("rtx-4090", 2)]),
        ("EPYC 纯 CPU 服务器，1152GB 内存", [("epyc-9654-1152gb", 1)]),
        ("摩尔线程S4000八卡", [("mtt-s4000", 8)]),
        ("双路 EPYC 9654，768G内存", [("epyc-9654-384gb", 2)]),
    ],
)
def test_chinese_names_with_their_numbers(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "DeepSeek-R1-0528 or DeepSeek-V3.1?", "Qwen3-8B and the 32B", "MiniMax-M1 and Kimi-K2", "org/M1-model",
        "Qwen3-235B-A22B, Hunyuan-A13B", "my-model-h100-v2", "gpt-5090", "A100 sheets of paper", "L4 lane, L4/L7 proxy",
        "L4 load balancer", "L4级自动驾驶", "4090 requests a day", "4090 employees", "context 4090", "max_tokens=4090",
        "port 4090", "localhost:4090", "$4090", "¥4090", "4090元", "日均4090次请求", "4090张图片", "3090 tokens", "12.4090", "4,090",
        "A1000 is no A10000", "H1000", "RTX 40900", "figure A10", "H2O and CO2", "M1 motorway", "T4 lymphocytes", "v100.2",
        "id 3060-4090-ab", "user@h100.example", "we have no H100", "3 potatoes", "a 910B parameter model", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_hardware_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_mention_says_where_it_stands() -> None:
    text = "我们有两张 4090 显卡，和 1×A100-80G。"
    spans = [text[mention.start : mention.end] for mention in find_hardware(text)]
    assert spans == ["两张 4090", "1×A100-80G"]


@pytest.mark.parametrize(
    ("text", "assumed"),
    [
        ("A100", True),
        ("A100 80G", False),
        ("H200", False),
        ("8×L4", False),
        ("M3 Ultra", True),
        ("an H200 server", True),
    ],
)
def test_a_mention_says_whether_the_usual_variant_was_taken(text: str, assumed: bool) -> None:
    assert [mention.assumed for mention in find_hardware(text)] == [assumed]


@pytest.mark.parametrize(
    "text",
    [
        "an H20 server please",
        "we have two H100 servers.",
        "四台H200",
        "2x EPYC 9654, 768GB each",
        "8xH100 (640GB)",
        "a MacBook Pro M3 Max 64GB",
    ],
)
def test_a_mention_alone_means_what_it_meant_in_its_sentence(text: str) -> None:
    (mention,) = find_hardware(text)
    assert parse_hardware(text[mention.start : mention.end]) == (mention.installed,)


def test_a_server_of_linked_cards_means_all_of_them() -> None:
    assert found("an H20 server") == [("h20-96gb", 8)]
    assert found("一台H200") == [("h200", 8)]
    assert found("two H100 servers") == [("h100-sxm", 16)]
    assert found("an L40S server") == [("l40s", 1)]
    assert found("一台4090工作站") == [("rtx-4090", 1)]


def test_memory_that_no_such_device_has_is_told_and_not_swallowed() -> None:
    (mention,) = find_hardware("a 4090 80GB")
    assert (mention.installed.device, mention.misfit, mention.assumed) == ("rtx-4090", "80 GB", True)


@pytest.mark.parametrize(
    "text", ["0 x H100", "0张4090", "-2x 4090", "99999×H100", "1.5x4090", "零张4090", "99999 nodes of 8xH100"]
)
def test_a_number_of_devices_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_hardware(text)
    assert refused.value.code == "hardware_count"
    assert refused.value.sentence("en") != refused.value.sentence("zh")


def test_a_device_of_a_users_file_is_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "devices:\n  - {id: zeta-1, title: Zeta 1, vendor: other, names: zeta one, memory: 64, usable: 60,"
        " bandwidth: 1000, flops: bf16 200, link: pcie 32, engines: vllm, source: our data sheet}\n"
    )
    (mention,) = find_hardware("four Zeta-One cards", (path,))
    assert (mention.installed.device, mention.installed.count) == ("zeta-1", 4)


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "2",
                "x",
                "×",
                "张",
                "两",
                "台",
                "8",
                "h100",
                "4090",
                "a100",
                "80gb",
                "pcie",
                "(",
                ")",
                ",",
                "-",
                "/",
                ":",
                "mac",
                "studio",
                "m3",
                "ultra",
                "dgx",
                "no",
                "of",
                "0",
                ".",
                "s",
                "卡",
            ]
        )
        | st.just(" "),
        max_size=30,
    ).map("".join)
)
def test_no_text_breaks_it(text: str) -> None:
    try:
        mentions = find_hardware(text)
    except R1Error as error:
        assert error.sentence()
        return
    for mention in mentions:
        with suppress(UsageError):  # the words around it may have made a number part of it
            again = parse_hardware(text[mention.start : mention.end])
            assert [part.device for part in again] == [mention.installed.device] or mention.misfit
    ends = [0] + [mention.end for mention in mentions]
    for mention, before in zip(mentions, ends, strict=False):
        assert before <= mention.start < mention.end <= len(text)
        assert mention.installed.count >= 1


def test_a_text_longer_than_any_question_is_refused_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        find_hardware("a100 " * 2_000_000)
    assert refused.value.code == "text_too_long"


@pytest.mark.parametrize(
    "part", ["2x", "h100 pcie 80gb x", "mac studio ", "一", "nvidia ", "4090 requests ", "8 ", "(", "dgx "]
)
def test_a_hostile_text_is_read_to_its_end(part: str) -> None:
    """No mention behind it is lost unless dozens stand before, and nothing takes more than time in proportion
    (tests/benchmarks/sizing/hardware.py prints it)."""
    mentions = find_hardware(part * 1000 + ", 3 x MI300X")
    assert len(mentions) >= 1
