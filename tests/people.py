"""The endpoints that the engine's tests ask: honest ones, and one of each way to hide what answers."""

from __future__ import annotations

from arena import Served, trusted
from arena.disguises import (
    FULL_PROXY,
    HiddenPrompt,
    HiddenThought,
    Mixed,
    NoStream,
    NoUsage,
    RateLimited,
    Recounted,
    Renamed,
    Withheld,
)
from arena.models import MODELS
from arena.stacks import Stack

GATEWAY = Stack(
    "gateway", logit_bias="ignored", logprobs="ignored", completions="none", tokenize=False, metadata=False,
    thoughts="reasoning_content", context=65_536, mark="nginx",
)  # fmt: skip
REFUSING = Stack(
    "gateway", logit_bias="refused", logprobs="refused", completions="none", tokenize=False, metadata=False
)
OLLAMA = Stack(
    "ollama", "ollama", logit_bias="ignored", logprobs="ignored", tokenize=False, context=4_096, mark="", strict=True
)
VLLM = trusted("DeepSeek-R1").stack
HONEST = {
    variant: trusted(variant)
    for variant in (
        "DeepSeek-R1", "DeepSeek-R1-0528", "DeepSeek-V3", "R1-Distill-Qwen-1.5B", "R1-Distill-Qwen-7B",
        "R1-Distill-Qwen-32B", "R1-Distill-Llama-8B", "R1-Distill-Llama-70B", "R1-0528-Qwen3-8B", "Qwen2.5-7B-Instruct",
    )
}  # fmt: skip
_EVERYTHING = Withheld(("logit_bias", "logprobs", "completions", "tokenize"), ())


def _hiding(number: int, variant: str, stack: Stack, *disguises: object, name: str = "deepseek-r1") -> Served:
    truth = "mixed" if any(isinstance(disguise, Mixed) for disguise in disguises) else MODELS[variant].truth
    return Served(number, 7, variant, truth, stack, name, disguises)  # type: ignore[arg-type]


HIDING = {
    "recounted distill": _hiding(1, "R1-Distill-Qwen-32B", VLLM, Renamed("deepseek-r1"), Recounted("deepseek-r1", as_r1=True)),
    "recounted full": _hiding(2, "DeepSeek-R1", VLLM, Recounted("cl100k", overhead=4)),
    "prompted full": _hiding(3, "DeepSeek-R1", VLLM, HiddenPrompt("You are a helpful assistant. Your answers are short.")),
    "limited full": _hiding(4, "DeepSeek-R1", VLLM, RateLimited(0.3, 0.05)),
    "mixture": _hiding(5, "DeepSeek-R1", VLLM, Mixed("R1-Distill-Qwen-7B", 0.3)),
    "proxy": _hiding(6, "R1-Distill-Qwen-32B", GATEWAY, Renamed("deepseek-r1"), *FULL_PROXY),
    "withheld": _hiding(7, "DeepSeek-R1", GATEWAY, NoUsage(), NoStream(True), HiddenThought(), _EVERYTHING),
    "refusing": _hiding(8, "DeepSeek-R1", REFUSING),
    "ollama": _hiding(9, "R1-Distill-Qwen-7B", OLLAMA, name="deepseek-r1:7b"),
}  # fmt: skip
