"""The servers that models run on: which fields each honours, which routes it has, and how it shows thoughts.

After the documentations of vLLM 0.9, SGLang 0.4, llama.cpp's server, TGI 3, Ollama 0.9 and of the gateways that
resell them (one-api, LiteLLM, DeepSeek's own API).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from arena.chance import weighed
from arena.vocabulary import Specials

Name = Literal["vllm", "sglang", "llamacpp", "tgi", "ollama", "gateway"]
Fate = Literal["honoured", "ignored", "refused"]
Thoughts = Literal["reasoning_content", "reasoning", "inline"]


@dataclass(frozen=True, slots=True)
class Stack:
    """A server and its settings.

    Attributes:
        api: ``ollama`` where its own API is used rather than OpenAI's.
        logit_bias, logprobs: whether the field is honoured, silently ignored, or refused with 400.
        completions: ``raw`` continues the prompt, ``templated`` wraps it as a chat, ``none`` is a 404.
        tokenize: whether POST /tokenize is there.
        metadata: whether the routes that tell about the server are there.
        stream_usage: counts in streams: ``asked`` for by stream_options, ``always`` or ``never``.
        thoughts: in a field of their own, or inline as the model writes them.
        context: tokens of prompt and reply at most.
        mark: the server header.
        strict: whether a request for another model is a 404.
    """

    name: Name
    api: Literal["openai", "ollama"] = "openai"
    logit_bias: Fate = "honoured"
    logprobs: Fate = "honoured"
    completions: Literal["raw", "templated", "none"] = "raw"
    tokenize: bool = True
    metadata: bool = True
    stream_usage: Literal["asked", "always", "never"] = "asked"
    thoughts: Thoughts = "inline"
    specials: Specials = "parsed"
    context: int = 32_768
    mark: str = "uvicorn"
    strict: bool = False


def draw_stack(rng: Random, shares: Mapping[Name, float]) -> Stack:
    """A stack by its share, its settings drawn."""
    return _DRAWN[weighed(shares, rng)](rng)


def _vllm(rng: Random) -> Stack:
    thoughts: Thoughts = weighed({"reasoning_content": 55, "reasoning": 10, "inline": 35}, rng)
    return Stack("vllm", thoughts=thoughts, context=rng.choice((8_192, 16_384, 32_768, 65_536, 131_072)), strict=True)


def _sglang(rng: Random) -> Stack:
    thoughts: Thoughts = weighed({"reasoning_content": 60, "inline": 40}, rng)
    return Stack(
        "sglang", tokenize=rng.random() < 0.3, thoughts=thoughts, context=rng.choice((32_768, 65_536, 131_072))
    )


def _llamacpp(rng: Random) -> Stack:
    thoughts: Thoughts = weighed({"reasoning_content": 70, "inline": 30}, rng)
    return Stack("llamacpp", thoughts=thoughts, context=rng.choice((4_096, 8_192, 16_384)), mark="llama.cpp")


def _tgi(rng: Random) -> Stack:
    return Stack("tgi", logit_bias="ignored", context=rng.choice((4_096, 8_192, 16_384)), mark="")


def _ollama(rng: Random) -> Stack:
    native = rng.random() < 0.5
    return Stack(
        "ollama", "ollama" if native else "openai", logit_bias="ignored", logprobs="ignored",
        completions="raw" if native else "templated", tokenize=False, thoughts="reasoning" if rng.random() < 0.5 else "inline",
        context=rng.choice((2_048, 4_096, 4_096, 8_192)), mark="", strict=True,
    )  # fmt: skip


def _gateway(rng: Random) -> Stack:
    fates: dict[Fate, float] = {"honoured": 35, "ignored": 50, "refused": 15}
    return Stack(
        "gateway", logit_bias=weighed(fates, rng), logprobs=weighed({"honoured": 25, "ignored": 50, "refused": 25}, rng),
        completions=weighed({"none": 70, "raw": 30}, rng), tokenize=False, metadata=False,
        stream_usage=weighed({"asked": 70, "always": 30}, rng),
        thoughts=weighed({"reasoning_content": 75, "reasoning": 15, "inline": 10}, rng),
        specials=weighed({"parsed": 55, "plain": 15, "stripped": 30}, rng),
        context=rng.choice((32_768, 65_536, 131_072)), mark=rng.choice(("nginx", "cloudflare", "openresty", "istio-envoy")),
        strict=rng.random() < 0.7,
    )  # fmt: skip


_DRAWN = {
    "vllm": _vllm, "sglang": _sglang, "llamacpp": _llamacpp, "tgi": _tgi, "ollama": _ollama, "gateway": _gateway,
}  # fmt: skip
