"""Two newcomers' conversations with one bot, in English and in Chinese, as they read them: real processes, signed HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pressing import CHANNEL, answer_to, asides

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.messages import Message
from bot.local_slack.render import as_text
from engine.samples import forgeries, published, write_checkpoint

LIN = "U0LIN"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    write_checkpoint(published("R1-Distill-Llama-8B"), root / "DeepSeek-R1-Distill-Llama-8B")
    forgeries.distill_renamed_full(root / "vendor-b")
    return root


@pytest.fixture(scope="module")
def slack(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    settings = {"checkpoint_roots": f'["{root}"]'}
    with LocalSlack() as running, running_bot(running, tmp_path_factory.mktemp("bot"), **settings):
        running.workspace.person(LIN, name="小林", locale="zh-CN")
        yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


def read(message: Message) -> str:
    """What a person reads of it."""
    return as_text([message])


def buttons(message: Message) -> list[str]:
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row["elements"]]


def no_chinese(text: str) -> bool:
    return re.search(r"[\u3400-\u9fff]", text) is None


def test_an_assistants_thread_goes_on_from_question_to_question(slack: LocalSlack, root: Path) -> None:
    dm = slack.workspace.dm_of(slack.workspace.user)
    thread = slack.open_assistant()
    slack.wait_for(lambda: slack.workspace.threads[dm, thread].prompts)

    def ask(words: str) -> Message:
        return answer_to(slack, lambda: slack.dm(words, thread_ts=thread), dm)

    verdict = ask(f"is {root / 'vendor-b' / 'DeepSeek-R1-671B'} really the full R1?")
    assert "Not what it says: distilled, R1-Distill-Qwen-32B" in read(verdict) and no_chinese(read(verdict))
    assert buttons(verdict)[:5] == ["Explain", "Report", "Re-check", "Watch", "Compare"]
    assert verdict.blocks[0]["type"] == "plan"
    assert "would show" in read(ask("why?"))
    choice = read(ask("and on 8 H20?"))
    assert "▌Run " in choice and "8×NVIDIA H20" in choice
    assert read(ask("what does deepseek-r1:32b need?")).count("R1-Distill-Qwen-32B") > 0
    assert slack.workspace.threads[dm, thread].title.startswith("Full or distilled?")


def test_what_is_expensive_waits_for_a_yes_in_the_thread(slack: LocalSlack, root: Path) -> None:
    distill, fake = root / "DeepSeek-R1-Distill-Llama-8B", root / "vendor-b" / "DeepSeek-R1-671B"
    verdict = answer_to(slack, lambda: slack.mention(f"{distill} 是满血版吗？", user=LIN))
    assert "蒸馏版，R1-Distill-Llama-8B" in read(verdict)

    def ask(words: str) -> Message:
        return answer_to(slack, lambda: slack.mention(words, user=LIN, thread_ts=verdict.thread_ts))

    asked = ask(f"比较 {distill} 和 {fake}")
    assert "尚未开始" in read(asked) and buttons(asked) == ["执行", "修改这一行", "不用了"]
    assert "什么都没有开始" in read(ask("算了"))
    ask(f"比较 {distill} 和 {fake}")
    compared = ask("好的")
    assert "不是同一个" in read(compared) and "R1-Distill-Qwen-32B" in read(compared)
    assert compared.thread_ts == verdict.thread_ts


def test_a_verdict_leads_to_a_watch_that_home_shows_and_stops(slack: LocalSlack, root: Path) -> None:
    verdict = answer_to(slack, lambda: slack.slash(f"鉴定 {root / 'DeepSeek-R1-Distill-Llama-8B'}", user=LIN))
    told = len(asides(slack))
    slack.press(verdict, "r1.judge", re.findall(r"right:\w+", str(verdict.blocks))[0], user=LIN)
    assert asides(slack)[told].startswith("谢谢")
    slack.press(verdict, "r1.watch", user=LIN)
    watching = answer_to(slack, lambda: slack.submit(LIN, schedule="每天 9:00"))
    assert "开始监控" in read(watching) and "每天 09:00" in read(watching)
    slack.open_home(LIN)

    def at_home(condition: Callable[[str], bool]) -> bool:
        return LIN in slack.workspace.homes and condition(str(slack.workspace.homes[LIN].blocks))

    slack.wait_for(lambda: at_home(lambda shown: "每天 09:00" in shown and "名副其实" in shown))
    for action, after in (("r1.watch_pause", "r1.watch_resume"), ("r1.watch_remove", "home_defaults")):
        slack.press(slack.workspace.homes[LIN], action)
        slack.wait_for(lambda after=after, action=action: at_home(lambda shown: after in shown and action not in shown))


def test_what_was_asked_is_forgotten_where_that_is_asked(slack: LocalSlack) -> None:
    told = len(asides(slack))
    slack.slash("forget me", user=LIN)
    slack.slash("forget me yes", user=LIN)
    slack.wait_for(lambda: len(asides(slack)) >= told + 2)
    assert "/r1 forget me yes" in asides(slack)[told]
    slack.open_home(LIN)
    slack.wait_for(lambda: "DeepSeek-R1-Distill-Llama-8B" not in str(slack.workspace.homes[LIN].blocks))


def test_small_talk_is_answered_in_a_line_in_ones_own_language(slack: LocalSlack) -> None:
    dm = slack.workspace.dm_of(LIN)
    answer = answer_to(slack, lambda: slack.dm("谢谢", user=LIN), dm)
    assert len(answer.blocks) <= 4 and "满血版" in read(answer) and not no_chinese(read(answer))
    assert [
        message for message in slack.answers(CHANNEL) if message.stream is not None and not message.stream.done
    ] == []
