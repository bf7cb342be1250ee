"""How good a variant's answers are for a task, by published benchmarks and what quantisation loses of them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalog.schema import Variant
from engine.constraints.record import Language, Task
from engine.sizing.quantizations import Quantization

_KNOWLEDGE = {"gpqa_diamond": 0.5, "mmlu_base": 0.5}
WEIGHTS: Mapping[Task, Mapping[str, float]] = {
    "math": {"aime_2024": 0.7, "gpqa_diamond": 0.3},
    "code": {"livecodebench": 0.8, "gpqa_diamond": 0.2},
    "agent": {"livecodebench": 0.5, "gpqa_diamond": 0.5},
    "science": {"gpqa_diamond": 0.8, "mmlu_base": 0.2},
    "research": {"gpqa_diamond": 0.6, "mmlu_base": 0.4},
    **dict.fromkeys(("customer-service", "legal", "summarization", "translation", "writing"), _KNOWLEDGE),
    **dict.fromkeys(("extraction", "classification", "medical", "finance", "general"), _KNOWLEDGE),
}
"""Which benchmarks stand for a task, and with what weight. Judged. Nobody published what these models reach at customer
service or contracts: what the model knows stands in (GPQA Diamond, and MMLU of what it was trained from, since
distillation taught reasoning, not facts: the R1 report distils 800,000 samples, three quarters of them reasoning)."""

_UNSUPPORTED = 0.07
"""Share lost by a Llama distill in Chinese, which Meta's model card does not list among Llama 3's languages. Judged."""


_SMALL, _SMALL_LOSES = 10e9, 2.0
"""Parameters below which a quantisation loses so many times as much. Judged from arXiv 2504.04823, where models of 1.5B to
8B lose more at the same bits."""


def loss_of(variant: Variant, quantization: Quantization) -> float:
    """Share of the published scores that a quantisation loses. Nothing where the weights are published so, as the full
    model is in FP8."""
    published_in_fp8 = (variant.weights or "").startswith("FP8")
    if published_in_fp8 and quantization.compute == "fp8":
        return 0.0
    small = variant.parameters.main < _SMALL
    return min(1.0, quantization.loss * (_SMALL_LOSES if small else 1.0))


def quality_of(variant: Variant, quantization: Quantization, task: Task | None, language: Language | None) -> float:
    """Quality from 0 to 100."""
    shares = {name: share for name, share in WEIGHTS[task or "general"].items() if name in variant.benchmarks}
    if not shares:
        return 0.0
    score = sum(variant.benchmarks[name] * share for name, share in shares.items()) / sum(shares.values())
    lost = _UNSUPPORTED if language == "zh" and lacks_chinese(variant) else 0.0
    return score * (1 - loss_of(variant, quantization)) * (1 - lost)


def benchmarks_for(variant: Variant, task: Task | None) -> dict[str, float]:
    """The published scores that ``quality_of`` rests on."""
    return {name: variant.benchmarks[name] for name in WEIGHTS[task or "general"] if name in variant.benchmarks}


def stands_in(task: Task | None) -> bool:
    """Whether no benchmark of the task itself is published, and knowledge stands in."""
    return task is not None and WEIGHTS[task] is _KNOWLEDGE


def lacks_chinese(variant: Variant) -> bool:
    """Whether Chinese is none of the languages that the base model's card lists."""
    return variant.shape.model_type == "llama"
