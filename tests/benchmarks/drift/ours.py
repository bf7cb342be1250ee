"""Checks as ``engine.check`` makes them, of a simulated endpoint: the same prompts drawn, the same test, the same end."""

from __future__ import annotations

from random import Random

from drift.endpoints import Endpoint
from engine.behaviour import escalating
from engine.behaviour.finding import REPEATS, TEXT_REPEATS
from engine.behaviour.records import Prompt
from engine.drift import monitor as test
from engine.drift.records import Monitor


class Watched:
    """An endpoint that is watched."""

    def __init__(self, endpoint: Endpoint, seed: int) -> None:
        self.endpoint, self.random = endpoint, Random(seed)
        order = [one for one in endpoint.prompts for _ in range(TEXT_REPEATS if one.way == "text" else REPEATS)]
        self.random.shuffle(order)
        seen = [found for one in order for found in endpoint.seen(one) if found.signal != "service"]
        self.monitor: Monitor = test.learn(test.begin(seed), seen)
        self.looks = self.requests = self.tokens = self.escalated = 0

    def check(self) -> bool:
        """One check, every hour; whether it finds a change."""
        self.looks += 1
        self.endpoint.hour = float(self.looks)
        self.monitor = test.new_look(self.monitor, self.looks // 24)
        asked: list[Prompt] = list(escalating.quiet(self.endpoint.prompts, self.random))
        batch, escalated, turned = list(asked), False, False
        while batch:
            for one in batch:
                self.requests += 1
                self.tokens += one.tokens
                for found in self.endpoint.seen(one):
                    turned = turned or (one.way == "text" and found.signal == "distribution" and found.value != "=")
                    self.monitor, _ = test.take(self.monitor, found)
            if not escalating.asks_on((self.monitor,), asked, escalated=escalated):
                break
            escalated, batch = True, []
            for _ in range(4):
                further = escalating.further(self.endpoint.prompts, asked, self.random, turned=turned)
                if further is not None:
                    batch.append(further)
                    asked.append(further)
        self.escalated += escalated
        return test.is_changed(self.monitor)
