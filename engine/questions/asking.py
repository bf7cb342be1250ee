"""What an endpoint can be asked: each question by the groups of evidence it may bring and what it costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

from engine.catalog import load_composed
from engine.evidence import Group
from engine.probes.token_ids import FORCED_ID
from engine.targets.endpoint import Ask, Conversation
from engine.targets.talk import METADATA, Talk

Speaks = dict[Group, float]
PERIOD = "299792458"
_REPEATED = "299792458人工智能6022140760社会主义核心价值观31415926535可持续发展1602176634知识产权8314462618有限公司66743015公开发行股票"
_OPENING_TOKENS, _FORCED_TOKENS, _CUT_TOKENS, _REPEAT_TOKENS = 12, 2, 10, 64


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask.

    Attributes:
        speaks: chance that each group of evidence comes out of it; judged.
        tokens: prompt and completion tokens, about.
        requests: how many requests it makes.
        put: asks it and keeps what came back in the talk's conversation.
        open: whether it makes sense, given what was said so far.
        deep: asked only where the identification is to be thorough, or references wait for it.
    """

    name: str
    speaks: Speaks
    tokens: int
    put: Callable[[Talk, Random], Awaitable[None]]
    open: Callable[[Conversation], bool]
    requests: int = 1
    deep: bool = False


def nonce(random: Random) -> str:
    """A word that makes a message unlike any before it, and is one token to every tokenizer."""
    return random.choice(load_composed().nonces)


def forced_ask(random: Random) -> Ask:
    """The long composed message, with one token id to choose from."""
    long = load_composed().long
    return Ask("long", f"{nonce(random)}\n{long.text}{long.marks}", _FORCED_TOKENS,
               options={"logit_bias": {str(FORCED_ID): 100.0}}, prompt_tokens=210)  # fmt: skip


def opening_ask(random: Random) -> Ask:
    """The short composed message, to see how an answer begins."""
    return Ask("short", f"{nonce(random)}\n{load_composed().short.text}", _OPENING_TOKENS, prompt_tokens=30)


def period_ask(random: Random) -> Ask:
    """A periodic string of digits to continue, past any chat template and thinking."""
    return Ask("period", f"{nonce(random)}\n{PERIOD * 4}", _CUT_TOKENS, raw=True, prompt_tokens=40)


def repeat_ask(random: Random, *, lang: str = "en", tokens: int = _REPEAT_TOKENS) -> Ask:
    """A text to repeat: digits part Qwen's tokens from DeepSeek's, Chinese words Llama's."""
    order = {
        "en": "Repeat the text between the two lines of dashes exactly, and nothing else.",
        "zh": "请原样重复两行短横线之间的文字，不要输出其他内容。",
    }[lang]
    prompt = f"{nonce(random)}\n{order}\n-----\n{_REPEATED}\n-----"
    return Ask("repeat" if lang == "en" else f"repeat:{lang}", prompt, tokens, prompt_tokens=100)


def self_report_ask(random: Random) -> Ask:
    """Who it says it is."""
    prompt = f"{nonce(random)}\nWhich model are you, and who made you? Answer in one sentence."
    return Ask("self_report", prompt, 200, prompt_tokens=30)


async def _listing(talk: Talk, random: Random) -> None:
    await talk.look("/models")


async def _forced(talk: Talk, random: Random) -> None:
    if (await talk.ask(forced_ask(random))).refused:
        await talk.ask(replace(forced_ask(random), options={}))


async def _opening(talk: Talk, random: Random) -> None:
    await talk.ask(opening_ask(random))


async def _completion(talk: Talk, random: Random) -> None:
    await talk.ask(period_ask(random))


async def _repeat(talk: Talk, random: Random) -> None:
    await talk.ask(repeat_ask(random, lang="zh" if talk.conversation.of("repeat") else "en"))


async def _tokenize(talk: Talk, random: Random) -> None:
    text = load_composed().tokenized.text
    # vLLM and SGLang read `prompt`, llama.cpp `content`, TGI `inputs`.
    body = {"model": talk.conversation.endpoint.model, "prompt": text, "content": text, "inputs": text}
    await talk.look("/tokenize", {**body, "add_special_tokens": False})


async def _logprobs(talk: Talk, random: Random) -> None:
    prompt = f"{nonce(random)}\n{PERIOD * 3}"
    await talk.ask(Ask("logprobs", prompt, 8, logprobs=5, prompt_tokens=40))


async def _metadata(talk: Talk, random: Random) -> None:
    for path in METADATA:
        if path not in talk.conversation.looked:
            await talk.look(path)


async def _show(talk: Talk, random: Random) -> None:
    await talk.look("/api/show", {"model": talk.conversation.endpoint.model})


async def _self_report(talk: Talk, random: Random) -> None:
    await talk.ask(self_report_ask(random))


def _unless(name: str, most: int = 1) -> Callable[[Conversation], bool]:
    return lambda conversation: sum(reply.ask.partition(":")[0] == name for reply in conversation.replies) < most


QUESTIONS: tuple[Question, ...] = (
    Question("forced", {"accounting": 0.9, "tokens": 0.6}, 212, _forced, _unless("long")),
    Question("opening", {"accounting": 0.3, "behaviour": 0.9, "pieces": 0.4, "cut": 0.4}, 42, _opening, _unless("short")),
    Question(
        "completion", {"cut": 0.5}, 50, _completion,
        lambda said: said.endpoint.api == "openai" and _unless("period")(said),
    ),
    Question("repeat", {"pieces": 0.7, "cut": 0.9}, 164, _repeat, _unless("repeat", 2)),
    Question("tokenize", {"tokens": 0.4}, 0, _tokenize, lambda said: "/tokenize" not in said.looked),
    Question("logprobs", {"tokens": 0.4}, 48, _logprobs, _unless("logprobs")),
    Question("listing", {"service": 0.2}, 0, _listing, lambda said: "/models" not in said.looked),
    Question("metadata", {"service": 0.2}, 0, _metadata, lambda said: "/version" not in said.looked, requests=4),
    Question(
        "card", {"service": 0.6}, 0, _show, lambda said: said.endpoint.api == "ollama" and "/api/show" not in said.looked
    ),
    Question("self_report", {}, 230, _self_report, _unless("self_report"), deep=True),
)  # fmt: skip
