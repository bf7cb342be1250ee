"""Who descends from whom: pairs of checkpoints by name, with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineage.zoo import GEMMA, GEMMA_FILE, MINILM, STUDENTS


@dataclass(frozen=True)
class Pair:
    """``target`` against ``reference``; ``derived``: some of its weights come from there. ``how``: in a few words."""

    target: str
    reference: str
    derived: bool
    how: str


_OTHER_SEED = {
    "llama-1": "llama-2", "llama-2": "llama-3", "llama-3": "llama-1", "qwen2-1": "qwen2-2", "qwen2-2": "qwen2-1",
    "qwen3-1": "qwen3-2", "qwen3-2": "qwen3-1", "deepseek-1": "deepseek-2", "deepseek-2": "deepseek-1",
    "llama-deep": "llama-deep-2", "llama-prose": "llama-1", "qwen3-prose": "llama-2", MINILM: "llama-3",
    GEMMA: "llama-deep",
}  # fmt: skip
_MADE = {
    "tuned": ("llama-1", "deepseek-2", MINILM, GEMMA),
    "tuned long": ("llama-2", "qwen3-1"),
    "tuned hard": ("qwen2-1", "deepseek-1", "llama-deep"),
    "other text": ("llama-1", "qwen3-2", "deepseek-2"),
    "lora": ("llama-3", "qwen2-2"),
    "merged": ("llama-1", "qwen3-1"),
    "sparse": ("llama-2", "deepseek-1", MINILM, GEMMA),
    "two of four": ("qwen2-1", "qwen3-2"),
    "shallower": ("llama-1", "llama-deep", "qwen3-1", GEMMA),
    "deeper": ("llama-2", "qwen2-2"),
    "narrower": ("llama-3", "qwen3-2"),
    "extended": ("llama-1", "qwen2-1"),
    "int8": ("llama-3", "qwen3-1", GEMMA),
    "int4": ("llama-1", "qwen2-2", "deepseek-1", MINILM),
    "fp8": ("deepseek-2", GEMMA),
    "gptq": ("qwen2-1", "llama-2"),
    "fp16": ("qwen3-2",),
    "sharded": ("llama-prose", "deepseek-1"),
    "meta names": ("llama-1",),
    "prefixed": ("qwen2-2", "qwen3-prose"),
    "permuted": ("llama-1", "qwen3-1", "deepseek-2", MINILM, GEMMA),
    "hidden permuted": ("llama-2",),
    "neurons permuted": ("qwen3-2",),
    "heads permuted": ("qwen2-1",),
    "values rotated": ("llama-3", "deepseek-1"),
    "queries rotated": ("llama-1", "deepseek-2"),
    "neurons scaled": ("qwen2-2",),
    "norms folded": ("llama-2", "qwen3-1"),
    "residual rotated": ("llama-3", "qwen2-1", "deepseek-1"),
    "everything": ("llama-1", "qwen3-2", MINILM, GEMMA),
    "tuned+permuted+int4": ("llama-2", "qwen2-1", "deepseek-1", GEMMA),
    "other text+everything+int8": ("llama-3", "qwen3-1"),
    "sparse+permuted": ("qwen2-2",),
    "shallower+tuned": ("llama-1", "llama-deep"),
    "tuned hard+everything+int4": ("llama-2", "deepseek-2"),
}  # fmt: skip
"""What is made of which base."""
_STRANGERS = (
    ("llama-1", "llama-2"), ("llama-1", "llama-3"), ("llama-2", "llama-3"), ("qwen2-1", "qwen2-2"),
    ("qwen3-1", "qwen3-2"), ("deepseek-1", "deepseek-2"), ("llama-deep", "llama-deep-2"), ("llama-1", "qwen2-1"),
    ("qwen2-2", "qwen3-1"), ("deepseek-1", "llama-1"), ("llama-deep", "llama-2"), ("llama-prose", "llama-3"),
    ("qwen3-prose", "llama-1"), ("qwen3-prose", "qwen3-1"), (MINILM, "llama-1"), (GEMMA, MINILM),
    (GEMMA, "llama-deep"), (GEMMA_FILE, "qwen3-1"), ("minilm-whole-new", "llama-prose"),
)  # fmt: skip


def pairs() -> Iterator[Pair]:
    """All pairs; each way of deriving also appears as a stranger, beside the same architecture's other seed."""
    yield Pair(GEMMA, GEMMA_FILE, True, "4-bit GGUF as published")
    for how, sources in _MADE.items():
        for source in sources:
            yield Pair(f"{source}+{how}", source, True, how)
    for name, recipe in STUDENTS.items():
        if recipe.start == "layers":
            yield Pair(name, recipe.teacher, True, "distilled, started from its layers")
        elif recipe.start == "scratch":
            yield Pair(name, recipe.teacher, False, "distilled, started from nothing")
    for one, two in _STRANGERS:
        yield Pair(one, two, False, "another training")
    for how, sources in _MADE.items():
        for source in sources:
            if source != GEMMA:
                yield Pair(f"{source}+{how}", _OTHER_SEED[source], False, f"{how}, another training")


COPIES = ("tuned", "int4", "permuted", "tuned+permuted+int4", "everything")
"""Disguises under which a teacher must still be told from its student."""

BEYOND = tuple(
    Pair(f"{base}+{how}", base, True, words)
    for how, words in (("renumbered", "tokens renumbered"), ("cut", "a quarter of the vocabulary cut, renumbered"))
    for base in ("llama-1", "qwen3-2")
)
"""Not among the pairs, and not what was asked for: where methods that go by token ids lose the trail."""
