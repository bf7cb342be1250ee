"""How a model may be cut over devices, and how it may not."""

from __future__ import annotations

import pytest

from engine.catalog import load_family, load_published
from engine.sized import Layout
from engine.sizing.model_parts import Parts, parts_of
from engine.sizing.parallel import experts_over, layouts

VARIANTS = {entry.id: entry for entry in (*load_family("deepseek-r1").variants, *load_published())}


def parts(name: str) -> Parts:
    return parts_of(VARIANTS[name].shape, VARIANTS[name].parameters)


def widths(name: str, block: int, count: int, per_node: int = 8) -> set[int]:
    return {layout.tensor for layout in layouts(parts(name), block, count, per_node, True)}


def test_heads_must_divide() -> None:
    assert widths("R1-Distill-Qwen-1.5B", 1, 8) == {1, 2, 4}  # 12 heads
    assert widths("R1-Distill-Qwen-7B", 1, 8) == {1, 2, 4}  # 28 heads
    assert widths("R1-Distill-Qwen-32B", 1, 8) == {1, 2, 4, 8}  # 40 heads


def test_quantised_weights_must_divide_in_whole_blocks() -> None:
    assert experts_over(parts("DeepSeek-R1"), 128, 8) == 1  # 2048 / 8 = two blocks
    assert 8 not in widths("R1-Distill-Qwen-14B", 128, 8)  # 13824 / 8 = 13.5 blocks
    assert 8 in widths("R1-Distill-Qwen-14B", 1, 8)


def test_experts_that_do_not_divide_in_blocks_are_spread_whole() -> None:
    # 1536 / 8 is one and a half blocks: the measured command adds --enable-expert-parallel for this reason.
    assert experts_over(parts("Qwen3-235B-A22B"), 128, 8) == 8
    assert experts_over(parts("Qwen3-235B-A22B"), 128, 4) == 1
    assert experts_over(parts("Qwen3-235B-A22B"), 1, 8) == 1


def test_tensor_parallelism_stays_in_a_node_and_pipelines_join_whole_nodes() -> None:
    found = layouts(parts("DeepSeek-R1"), 128, 16, 8, True)
    assert max(layout.tensor for layout in found) == 8
    assert Layout(8, 2, 1, 1, 2) in found


def test_engines_that_hand_on_layers_use_no_tensor_parallelism() -> None:
    assert {layout.tensor for layout in layouts(parts("R1-Distill-Llama-70B"), 1, 4, 8, False)} == {1}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 8, 12, 16, 64])
def test_no_layout_takes_more_devices_than_there_are(count: int) -> None:
    for model in map(parts, VARIANTS):
        for block in (1, 16, 128):
            for layout in layouts(model, block, count, 8, True):
                assert 1 <= layout.devices <= count
                assert layout.pipeline <= model.layers
                assert model.heads % layout.tensor == 0
                assert layout.nodes == -(-layout.devices // 8)


def test_there_is_always_a_way_to_put_a_model_on_one_device() -> None:
    for name in VARIANTS:
        assert Layout() in layouts(parts(name), 128, 1, 8, True)
