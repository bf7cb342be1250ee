"""50 people ask at once, each in a way of their own: until they see that they were heard, and until they have an answer.

The bot as it runs: listeners and workers in processes of their own, signed HTTP, a Slack on loopback. Everybody asks
about a model whose verdict is known already. Mentions, direct messages, an assistant's threads and commands by turns.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bot.demo import running_bot
from bot.local_slack import Delivery, LocalSlack
from engine.samples import published, write_checkpoint

PEOPLE = 50
FIRST_SIGN, ANSWER = 0.3, 1.0
KINDS = ("mention", "dm", "assistant", "slash")


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody, and the place where the answer to them comes, which is nobody else's."""

    user: str
    kind: str
    channel: str
    thread: str | None


def main() -> int:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        target = write_checkpoint(published("DeepSeek-R1"), root / "DeepSeek-R1")
        time.sleep(1.5)  # what changed a moment before it was looked at is looked at again
        with LocalSlack() as slack, running_bot(slack, root, workers=workers):
            people = list(askers(slack))
            slack.slash(f"identify {target}")
            slack.wait_for(lambda: sum("header" in kinds_of(call) for call in slack.workspace.calls) >= 1, 60)
            passed = False
            for number in range(3):
                passed = measured(slack, people, f"identify {target}", f"round {number + 1}")
            broken = slack.workspace.violations
    print(f"{workers} workers, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; violations {len(broken)}")
    print("PASS" if passed and not broken else "short of the bar")
    return not passed


def askers(slack: LocalSlack) -> Iterator[Asker]:
    workspace = slack.workspace
    for number in range(PEOPLE):
        user, kind = f"U9{number:03}", KINDS[number % len(KINDS)]
        workspace.person(user)
        if kind in ("mention", "slash"):
            channel = f"C9{number:03}"
            workspace.channels[channel] = f"room-{number}"
            yield Asker(user, kind, channel, None)
        else:
            thread = slack.open_assistant(user) if kind == "assistant" else None
            yield Asker(user, kind, workspace.dm_of(user), thread)


def measured(slack: LocalSlack, people: Sequence[Asker], text: str, title: str) -> bool:
    """Everybody asks within the same tenth of a second."""
    known = len(slack.workspace.calls)
    with ThreadPoolExecutor(len(people)) as pool:
        asked = list(pool.map(lambda one: ask(slack, one, text), people))
    answered: dict[str, float] = {}

    def all_answered() -> bool:
        for call in slack.workspace.calls[known:]:
            if "header" in kinds_of(call):
                answered.setdefault(str(call.arguments.get("channel")), call.at)
        return len(answered) == len(people)

    slack.wait_for(all_answered, 120)
    time.sleep(0.5)
    acts = [delivery.act for delivery in asked]
    signs = [min((sign.seconds for sign in act.signs), default=float("inf")) for act in acts if act is not None]
    spans = [answered[one.channel] - act.at for one, act in zip(people, acts, strict=True) if act is not None]
    refused = sum(delivery.status != 200 for delivery in asked)
    print(f"{title}: refused {refused}")
    for kind in KINDS:
        shown(f"  first sign, {kind}", [sign for sign, one in zip(signs, people, strict=True) if one.kind == kind])
    shown(f"  first sign (bar {FIRST_SIGN * 1e3:.0f} ms at p95)", signs)
    shown(f"  answer (bar {ANSWER * 1e3:.0f} ms at p95)", spans)
    return refused == 0 and quantile(signs, 0.95) <= FIRST_SIGN and quantile(spans, 0.95) <= ANSWER


def ask(slack: LocalSlack, one: Asker, text: str) -> Delivery:
    ways: dict[str, Callable[[], Delivery]] = {
        "mention": lambda: slack.mention(text, channel=one.channel, user=one.user),
        "dm": lambda: slack.dm(text, user=one.user),
        "assistant": lambda: slack.dm(text, user=one.user, thread_ts=one.thread),
        "slash": lambda: slack.slash(text, channel=one.channel, user=one.user),
    }
    return ways[one.kind]()


def kinds_of(call: object) -> set[str]:
    """Of which kinds the blocks are that a call brings."""
    blocks = getattr(call, "arguments", {}).get("blocks") or []
    return {block.get("type", "") for block in blocks if isinstance(block, dict)} if isinstance(blocks, list) else set()


def quantile(times: Sequence[float], share: float) -> float:
    ranked = sorted(times)
    return ranked[min(len(ranked) - 1, round(share * len(ranked)))] if ranked else float("inf")


def shown(title: str, times: Sequence[float]) -> None:
    p50, p95, most = quantile(times, 0.5), quantile(times, 0.95), max(times)
    print(f"{title}: p50 {p50 * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms, max {most * 1e3:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
