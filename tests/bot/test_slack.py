"""The bot in Slack, end to end: real processes, signed HTTP and Socket Mode, a Slack on loopback."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message

CHANNEL = "C0MODELS"


@pytest.fixture(scope="module")
def slack(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    root = tmp_path_factory.mktemp("bot")
    with LocalSlack() as running, running_bot(running, root, checkpoint_roots=f'["{samples}"]'):
        yield running


def replies(slack: LocalSlack, channel: str = CHANNEL) -> list[Message]:
    """The bot's messages but for pictures, which follow their answers, and the lines that acknowledge a command."""
    return [message for message in slack.answers(channel) if not message.files and message.ephemeral_to is None]


def answer(slack: LocalSlack, known: int, channel: str = CHANNEL) -> Message:
    """The one new message, once it is the answer."""

    def ready() -> Message | None:
        new = replies(slack, channel)[known:]
        return new[0] if new and any(block["type"] == "header" for block in new[0].blocks) else None

    message: Message = slack.wait_for(ready)
    return message


def text_of(message: Message) -> str:
    return "\n".join(str(block.get("text", block.get("elements"))) for block in message.blocks)


def test_a_slash_command_gets_its_verdict(slack: LocalSlack, samples: Path) -> None:
    known = len(replies(slack))
    delivery = slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'} for real-time customer service")
    assert delivery.status == 200
    message = answer(slack, known)
    assert "As claimed: distilled, R1-Distill-Qwen-7B" in message.text
    assert "Which to run" in text_of(message) and "real-time" in text_of(message)


def test_the_full_model_is_told_in_chinese(slack: LocalSlack, samples: Path) -> None:
    known = len(replies(slack))
    slack.slash(f"鉴定 {samples / 'DeepSeek-R1'}")
    assert "名副其实：满血版" in answer(slack, known).text


def test_a_mention_is_answered_in_its_thread(slack: LocalSlack, samples: Path) -> None:
    known = len(replies(slack))
    slack.mention(f"is {samples / 'DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf'} full or distilled?")
    message = answer(slack, known)
    asked = [said for said in slack.workspace.visible(CHANNEL) if said.user == slack.workspace.user][-1]
    assert message.thread_ts == asked.ts and "distilled" in text_of(message)
    assert message.stream and message.stream.done and len(message.blocks[0]["tasks"]) >= 7
    assert slack.workspace.status(CHANNEL, asked.ts) == ""


def test_a_direct_message_gets_help(slack: LocalSlack) -> None:
    known = len(replies(slack, "D0PERSON"))
    slack.dm("good morning")
    assert "identify deepseek-ai/DeepSeek-R1" in text_of(answer(slack, known, "D0PERSON"))


def test_history_and_explain_lead_back_to_the_evidence(slack: LocalSlack, samples: Path) -> None:
    known = len(replies(slack))
    slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}")
    found = re.search(r"/r1 explain (\w+)", text_of(answer(slack, known)))
    assert found
    slack.slash("history distill-qwen-7b")
    assert found[1] in text_of(answer(slack, known + 1))
    slack.slash(f"explain {found[1]}")
    explained = text_of(answer(slack, known + 2))
    assert "How it could be fooled" in explained and "would show" in explained
    slack.slash("explain nonesuch")
    assert "no verdict on nonesuch" in text_of(answer(slack, known + 3))


def test_recommend_stands_alone(slack: LocalSlack) -> None:
    known = len(replies(slack))
    slack.slash("recommend --constraint device=edge legal contracts")
    text = text_of(answer(slack, known))
    assert "rules disagree" in text and "limited-edge" in text


def test_a_recommendation_comes_with_its_picture_in_the_thread(slack: LocalSlack) -> None:
    known = len(replies(slack))
    slack.slash("选型 中文客服 --gpu 2x4090 --ttft 1s")
    message = answer(slack, known)
    assert message.text.startswith("建议用 R1-Distill-Qwen-32B") and "vllm serve" in text_of(message)
    slack.wait_for(lambda: any(said.thread_ts == message.ts for said in slack.answers()))
    (shown,) = [said for said in slack.answers() if said.thread_ts == message.ts]
    assert "推荐：R1-Distill-Qwen-32B" in shown.files[0].title


def test_sizes_are_answered_as_tables(slack: LocalSlack) -> None:
    known = len(replies(slack))
    slack.slash("size deepseek-r1:32b --gpu 2x4090 --context 16k --concurrency 4")
    message = answer(slack, known)
    assert "R1-Distill-Qwen-32B on 2×NVIDIA RTX 4090" in message.text and "awq-int4" in text_of(message)
    slack.mention("8卡H20能跑满血吗")
    assert "DeepSeek-R1，8×NVIDIA H20" in answer(slack, known + 1).text


def test_a_model_to_size_is_no_way_into_the_bots_machine(slack: LocalSlack) -> None:
    known = len(replies(slack))
    for number, name in enumerate(("/etc/passwd", "~/secret", "bot", "nonesuch", "https://10.0.0.1/v1#m")):
        slack.slash(f"size {name}")
        assert answer(slack, known + number).text.count("\n") == 0
    texts = [message.text for message in replies(slack)[known:]]
    assert "checkpoint_roots" in texts[0] and "checkpoint_roots" in texts[1] and "not registered" in texts[4]
    assert (
        texts[2].replace("bot", "nonesuch") == texts[3].replace("DeepSeek-R1:", "deepseek-r1:32b:")
        or "no model" in texts[2]
    )


def test_a_message_of_ten_megabytes_gets_a_sentence(slack: LocalSlack) -> None:
    known = len(replies(slack, "D0PERSON"))
    slack.dm("recommend " + "2x4090 " * 1_400_000)
    message = answer(slack, known, "D0PERSON")
    assert "9800010 characters" in message.text.replace(",", "") and message.text.count("\n") == 0


def test_a_misspelt_verb_and_a_pasted_key_are_answered_with_a_sentence(slack: LocalSlack) -> None:
    known = len(replies(slack))
    slack.slash("idntify")
    assert "Which model?" in text_of(answer(slack, known))
    slack.slash("identify sk-abcdefghijklmnopqrstuvwx")
    assert "delete it now" in text_of(answer(slack, known + 1))


def test_repeated_deliveries_run_once(slack: LocalSlack, samples: Path) -> None:
    known = len(replies(slack))
    first = slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}")
    threads = [threading.Thread(target=slack.redeliver, args=(first,), kwargs={"number": n}) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer(slack, known)
    slack.slash("help")
    answer(slack, known + 1)
    assert len(replies(slack)) == known + 2


def test_an_unsigned_delivery_is_refused(slack: LocalSlack) -> None:
    known = len(replies(slack))
    delivery = slack.deliver("slash_commands", slack.slash_payload("help"), secret="guessed")
    assert delivery.status == 401
    slack.slash("help")
    answer(slack, known)
    assert len(replies(slack)) == known + 1


def test_the_bots_own_messages_and_edits_are_not_answered(slack: LocalSlack) -> None:
    known = len(replies(slack, "D0PERSON"))
    message = slack.workspace.say("D0PERSON", slack.workspace.bot_user, "help")
    slack.deliver("events_api", slack._event("message", message, channel_type="im", bot_id="B0R1BOT"))
    slack.deliver("events_api", slack._event("message", message, channel_type="im", subtype="message_changed"))
    slack.dm("help")
    answer(slack, known + 1, "D0PERSON")
    assert len(replies(slack, "D0PERSON")) == known + 2


def test_nothing_that_was_sent_broke_a_rule_of_slacks(slack: LocalSlack) -> None:
    assert slack.workspace.violations == []
    assert {call.error for call in slack.workspace.calls} <= {None}


def test_socket_mode_runs_the_same_listeners(samples: Path, tmp_path: Path) -> None:
    with (
        LocalSlack() as slack,
        running_bot(slack, tmp_path, socket_mode=True, checkpoint_roots=f'["{samples}"]') as process,
    ):
        delivery = slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}")
        assert delivery.status == 200
        assert "R1-Distill-Qwen-7B" in answer(slack, 0).text
        slack.redeliver(delivery)
        slack.mention("help")
        answer(slack, 1)
        assert len(replies(slack)) == 2
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_bot(tmp_path: Path, how: signal.Signals) -> None:
    def workers(parent: int) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                found.append(path.read_bytes().replace(b"\0", b" ").decode())
        return [line for line in found if f"worker --parent {parent} " in line]

    with LocalSlack() as slack, running_bot(slack, tmp_path, workers=2) as process:
        slack.wait_for(lambda: len(workers(process.pid)) == 2)
        process.send_signal(how)
        process.wait(30)
        slack.wait_for(lambda: not workers(process.pid))
