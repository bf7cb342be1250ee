"""Text that is on every machine with Python, and tokenizers trained on it: what the small models learn from."""

from __future__ import annotations

import ast
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

Corpus = Literal["code", "prose"]
_STDLIB = Path(sysconfig.get_path("stdlib"))
_BYTES = 3_000_000
"""Of each corpus: a few epochs of the longest training here."""


@cache
def text_of(corpus: Corpus) -> str:
    """``code``: sources of the standard library. ``prose``: the language reference that pydoc carries, and what the
    library's docstrings say. They share few sentences."""
    if corpus == "code":
        return "\n".join(path.read_text("utf-8", "ignore") for path in _sources())[:_BYTES]
    from pydoc_data.topics import topics

    return "\n".join([*topics.values(), *(said for path in _sources() for said in _docstrings(path))])[:_BYTES]


def _sources() -> list[Path]:
    """The public modules at the top of the library, in order of name."""
    return sorted(path for path in _STDLIB.glob("*.py") if not path.name.startswith("_"))


def _docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8", "ignore"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [said for node in ast.walk(tree) if isinstance(node, kinds) and (said := ast.get_docstring(node))]


@cache
def tokenizer_of(corpus: Corpus, size: int) -> Any:
    """A byte-level BPE of ``size`` tokens, trained on a million characters of the corpus."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=sorted(alphabet), show_progress=False
    )
    core.train_from_iterator([text_of(corpus)[:1_000_000]], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")


@cache
def tokens_of(corpus: Corpus, cut_by: Corpus, size: int) -> np.ndarray:
    """A corpus as token ids [n] of the tokenizer trained on ``cut_by``."""
    core = tokenizer_of(cut_by, size).backend_tokenizer
    text = text_of(corpus)
    pieces = [text[at : at + 20_000] for at in range(0, len(text), 20_000)]
    return np.concatenate([np.asarray(cut.ids, dtype=np.int64) for cut in core.encode_batch(pieces)])
