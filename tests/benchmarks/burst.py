"""200 `/r1 identify` in one second at the real bot over signed HTTP: acknowledgements, losses, doubles.

Then 50 of them are delivered again, as Slack repeats what it saw no answer to, and none may run twice.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.demo import running_bot
from bot.local_slack import Delivery, LocalSlack
from bot.local_slack.workspace import Message
from engine.samples import published, write_checkpoint

COUNT, SECONDS, BAR = 200, 1.0, 0.5
AGAIN = 50


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        target = write_checkpoint(published("R1-Distill-Qwen-7B"), root / "DeepSeek-R1-Distill-Qwen-7B")
        with LocalSlack() as slack, running_bot(slack, root):
            slack.slash("help")
            slack.wait_for(lambda: len(given(slack)) == 1)
            payloads = [slack.slash_payload(f"identify {target} for case {n}") for n in range(COUNT)]
            deliveries = send(slack, payloads)
            started = time.perf_counter()
            slack.wait_for(lambda: answered(slack) >= COUNT + 1, 300)
            drained = time.perf_counter() - started
            repeated = [slack.redeliver(delivery) for delivery in deliveries[:AGAIN]]
            time.sleep(3)
            answers = given(slack)
            jobs = Counter(str((message.metadata or {}).get("event_payload", {}).get("job_id")) for message in answers)
    return report(deliveries, repeated, answered_jobs=jobs, messages=len(answers), drained=drained)


def send(slack: LocalSlack, payloads: list[dict[str, object]]) -> list[Delivery]:
    """Spread evenly over one second, each from a thread of its own."""
    begin = time.perf_counter() + 0.2

    def one(number: int) -> Delivery:
        time.sleep(max(0.0, begin + number * SECONDS / COUNT - time.perf_counter()))
        return slack.deliver("slash_commands", payloads[number])

    with ThreadPoolExecutor(COUNT) as pool:
        return list(pool.map(one, range(COUNT)))


def given(slack: LocalSlack) -> list[Message]:
    """Everything but the lines that acknowledge a command to the person alone."""
    return [message for message in slack.answers() if message.ephemeral_to is None]


def answered(slack: LocalSlack) -> int:
    return sum(any(block["type"] == "header" for block in message.blocks) for message in given(slack))


def report(
    deliveries: list[Delivery], repeated: list[Delivery], *, answered_jobs: Counter[str], messages: int, drained: float
) -> int:
    times = sorted(delivery.seconds for delivery in deliveries)
    refused = [delivery for delivery in [*deliveries, *repeated] if delivery.status != 200]
    lost, doubled = COUNT + 1 - len(answered_jobs), messages - len(answered_jobs)
    print(
        f"acks: p50 {times[COUNT // 2] * 1e3:.0f} ms, p99 {times[int(COUNT * 0.99) - 1] * 1e3:.0f} ms (bar {BAR * 1e3:.0f}), max {times[-1] * 1e3:.0f} ms"
    )
    print(
        f"refused {len(refused)}, lost {lost}, doubled {doubled}; {AGAIN} delivered again; all answered {drained:.1f} s later"
    )
    passed = times[int(COUNT * 0.99) - 1] < BAR and not refused and lost == 0 and doubled == 0
    print("PASS" if passed else "short of the bar")
    return not passed


if __name__ == "__main__":
    sys.exit(main())
