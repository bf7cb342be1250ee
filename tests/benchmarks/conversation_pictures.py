"""Pictures of conversations with the real bot on a loopback Slack, in English and Chinese, by headless Chromium.

python tests/benchmarks/conversation_pictures.py FOLDER
"""

from __future__ import annotations

import copy
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from chromium import browser, photograph
from pressing import CHANNEL, answer_to

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.render import as_page, home_page, modal_page
from bot.local_slack.workspace import Message
from engine.samples import forgeries, published, write_checkpoint

LIN = "U0LIN"
NAMES = {LIN: "小林", "U0PERSON": "Ada"}
SAID = {
    "en": {
        "ask": "is {path} really the full R1?", "compare": "compare it with {other}", "yes": "yes",
        "every": "every day at 9:00",
    },
    "zh": {
        "ask": "{path} 是满血版吗？", "compare": "和 {other} 比较一下", "yes": "好的", "every": "每天 9:00",
    },
}  # fmt: skip


def unfolding(slack: LocalSlack, ask: Callable[[], object]) -> list[Message]:
    """What a channel shows when some stages are over and one is under way."""
    seen: list[Message] = []
    over = 0

    def answered() -> bool:
        nonlocal over
        with slack.workspace.lock:
            last = slack.workspace.visible(CHANNEL)[-2:]
            stream = last[-1].stream
            if stream is None:
                return False
            states = [task["status"] for task in stream.tasks.values()]
            if not stream.done and over < 4 and "in_progress" in states and "pending" in states:
                over = states.count("complete")
                seen[:] = copy.deepcopy(last)
            return stream.done

    ask()
    slack.wait_for(answered, 60)
    return seen


def thread_of(slack: LocalSlack, root: str | None) -> list[Message]:
    """A thread as everybody sees it."""
    said = slack.workspace.visible(CHANNEL)
    return [message for message in said if root in (message.ts, message.thread_ts) and not message.ephemeral_to]


def pictures_of(slack: LocalSlack, root: Path, lang: str, folder: Path) -> None:
    """All of one language."""
    user, said = (LIN if lang == "zh" else slack.workspace.user), SAID[lang]
    vendors = {name: root / lang / name for name in ("vendor-a", "vendor-b")}
    full = write_checkpoint(published("DeepSeek-R1"), vendors["vendor-a"] / "DeepSeek-R1")
    fake = forgeries.distill_renamed_full(vendors["vendor-b"])

    def shoot(name: str, page: str, height: int, width: int = 900) -> None:
        shown = page.replace(str(root / lang), "/models")
        photograph(shown, folder / f"{name}-{lang}.png", (width, height))

    def ask(words: str, thread: str | None = None) -> Message:
        return answer_to(slack, lambda: slack.mention(words, user=user, thread_ts=thread), seconds=60)

    asked = said["ask"].format(path=full)
    half: list[Message] = []
    for _ in range(8):  # how much is seen of a look depends on how fast it is
        seen = unfolding(slack, lambda: slack.mention(asked, user=user))
        half = max(half, seen, key=lambda said: str(said).count("'complete'"))
        if str(half).count("'complete'") > 2:
            break
    shoot("plan", as_page(half, names=NAMES), 800)
    verdict = ask(said["ask"].format(path=fake))
    shoot("verdict", as_page(thread_of(slack, verdict.thread_ts), names=NAMES), 2000)
    ask(said["compare"].format(other=full), verdict.thread_ts)
    ask(said["yes"], verdict.thread_ts)
    below = thread_of(slack, verdict.thread_ts)[2:]
    shoot("thread", as_page(below, names=NAMES), 3000)
    slack.press(verdict, "r1.watch", user=user)
    modal = slack.modal(user)
    if modal is not None:
        shoot("modal", modal_page(modal), 720, 620)
    answer_to(slack, lambda: slack.submit(user, schedule=said["every"]))
    slack.open_home(user)
    slack.wait_for(lambda: user in slack.workspace.homes)
    shoot("home", home_page(slack.workspace.homes[user]), 1400)


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if browser() is None:
        return 1
    root = Path(tempfile.mkdtemp(prefix="r1-pictures-"))
    try:
        with LocalSlack() as slack, running_bot(slack, root, cache_minutes=0):
            slack.workspace.person(LIN, name="小林", locale="zh-CN")
            for lang in ("en", "zh"):
                pictures_of(slack, root, lang, folder)
            assert slack.workspace.violations == []
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
