"""Asking a model a task's cases: an endpoint, a checkpoint served here for the time, or answers recorded before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.comparing.kept import Kept, key_of
from engine.comparing.records import Answer, Case, Task
from engine.errors import R1Error, TargetError
from engine.inquiry import choose_model
from engine.targets.endpoint import Ask, Budget, Endpoint, Reply
from engine.targets.talk import Talk

TEMPERATURE, TOP_P = 0.6, 0.95
"""As the makers measure R1 and advise its users (model card of DeepSeek-R1: 0.5-0.7, lest it repeats itself; no system
prompt)."""
ANSWER_SECONDS = 900.0
"""What one answer may take; a long derivation at a few tokens a second does."""
RECORDED_AT_ONCE = 32
_BOUNDLESS = Budget(tokens=10**12, requests=10**9, seconds=7 * 86_400.0)
"""What is spent is counted by the comparison, over both models."""
_PATIENCE = 5
"""Failures in a row, before any answer, after which a model counts as out of reach."""
_AT_ONCE = ("endpoint_key", "endpoint_not_found", "endpoint_moved")
"""Failures that asking another case would not change."""
_OPENING, _CLOSING = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Side:
    """A model to be asked.

    Attributes:
        name: as it is called in the reply; without secrets.
        identity: what makes its answers its own, for keeping them: an address and a model, or a file and its date.
        endpoint: ``None`` where all answers are recorded.
        recorded: by case id.
    """

    name: str
    identity: str
    endpoint: Endpoint | None = None
    recorded: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class Spent:
    """What a model's answers took, without those that were known already."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class Asker:
    """A conversation of unrelated questions with one model, as many at once as it takes."""

    def __init__(self, side: Side, kept: Kept, concurrency: int | None, temperature: float) -> None:
        self.side, self.kept, self.temperature = side, kept, temperature
        usual = side.endpoint.concurrency if side.endpoint is not None else RECORDED_AT_ONCE
        self.concurrency = max(1, concurrency or usual)
        self.spent = Spent()
        self._free = asyncio.Semaphore(self.concurrency)
        self._talk = None
        if side.endpoint is not None:
            self._talk = Talk(replace(side.endpoint, concurrency=self.concurrency), _BOUNDLESS)
        self._answered, self._failures = False, 0

    async def __aenter__(self) -> Asker:
        if self._talk is not None and not self._talk.conversation.endpoint.model:
            await choose_model(self._talk)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._talk is not None:
            await self._talk.wire.close()

    def known(self, task: Task, case: Case) -> Answer | None:
        """The answer to a case if it costs nothing."""
        if self._talk is None:
            return self.side.recorded.get(case.id, Answer(case.id, failed="answer_not_recorded"))
        return self.kept.get(self._key(task, case), case.id)

    async def answer(self, task: Task, case: Case) -> Answer:
        """The answer to a case; one that failed says why.

        Raises:
            TargetError: the model is out of reach altogether.
        """
        known = self.known(task, case)
        if known is not None or self._talk is None:
            return known or Answer(case.id, failed="answer_not_recorded")
        async with self._free:
            return await self._asked(self._talk, task, case)

    async def _asked(self, talk: Talk, task: Task, case: Case) -> Answer:
        most = task.max_tokens
        prompt = f"{task.system}\n\n{case.prompt}" if task.system else case.prompt
        estimate = tokens_in(prompt)
        ask = Ask(f"case:{case.id}", prompt, most, temperature=self.temperature, options={"top_p": TOP_P},
                  prompt_tokens=estimate)  # fmt: skip
        started = time.monotonic()
        try:
            reply = await asyncio.wait_for(talk.ask(ask), ANSWER_SECONDS)
        except TimeoutError:
            return self._failed(TargetError("endpoint_slow", host=talk.wire.host, seconds=int(ANSWER_SECONDS)), case)
        except R1Error as error:
            return self._failed(error, case)
        finally:
            self.spent.requests += 1
            self.spent.seconds += time.monotonic() - started
            talk.conversation = replace(talk.conversation, replies=())  # they are kept elsewhere, or not at all
        self._answered = True
        answer = _of(reply, case, estimate)
        self.spent.prompt_tokens += answer.prompt_tokens
        self.spent.completion_tokens += answer.completion_tokens
        self.kept.put(self._key(task, case), answer)
        return answer

    def _failed(self, error: R1Error, case: Case) -> Answer:
        self._failures += 1
        if not self._answered and (self._failures >= _PATIENCE or error.code in _AT_ONCE):
            raise error
        return Answer(case.id, failed=error.code)

    def _key(self, task: Task, case: Case) -> str:
        model = self._talk.conversation.endpoint.model if self._talk is not None else ""
        asked: dict[str, Any] = {"prompt": case.prompt, "system": task.system, "max_tokens": task.max_tokens}
        return key_of(of=self.side.identity, model=model, temperature=self.temperature, top_p=TOP_P, **asked)


def recorded_side(path: Path, task: Task) -> Side:
    """Answers recorded before, as a side.

    Raises:
        UsageError: the file has no answers to this task's cases.
    """
    from engine.comparing.recorded import recorded

    return Side(path.name, str(path), None, {answer.case: answer for answer in recorded(path, task)})


def tokens_in(text: str) -> int:
    """About how many tokens a text is: a token is some four Latin letters or less than two Chinese characters."""
    wide = sum(1 for char in text if ord(char) > 0x2E7F)
    return wide + (len(text) - wide) // 4 + 12


def _of(reply: Reply, case: Case, estimate: int) -> Answer:
    text, reasoning = _apart(reply.text, reply.reasoning)
    return Answer(
        case.id,
        text,
        reasoning,
        prompt_tokens=reply.prompt_tokens or estimate,
        completion_tokens=reply.completion_tokens or max(len(reply.pieces), tokens_in(reply.generated)),
        seconds=reply.seconds,
        first=reply.times[0] if reply.times else None,
        cut=reply.finish == "length",
    )


def _apart(text: str, reasoning: str) -> tuple[str, str]:
    """The answer and the thoughts before it, where a server leaves both in one text. Templates that begin the thoughts for
    the model leave only their end in it."""
    if not reasoning and _CLOSING in text:
        thought, _, text = text.partition(_CLOSING)
        return text.strip(), thought.replace(_OPENING, "", 1).strip()
    if not reasoning and text.lstrip().startswith(_OPENING):
        return "", text.lstrip().removeprefix(_OPENING).strip()
    return text.strip(), reasoning.strip()
