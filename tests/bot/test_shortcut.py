"""The message shortcut, and one of everything else that people press, over Socket Mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pressing import CHANNEL, answer_to, answers, asides, shown

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.slack.shortcut import CALLBACK, named_in

OUTSIDE = "C0GENERAL"


@pytest.fixture(scope="module")
def slack(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    root = tmp_path_factory.mktemp("bot")
    given = {"checkpoint_roots": f'["{samples}"]', "quota_per_day": 6}
    with LocalSlack() as running, running_bot(running, root, socket_mode=True, **given):
        running.workspace.person("U0ZH", locale="zh-CN", tz="Asia/Shanghai")
        running.workspace.outside.add(OUTSIDE)
        yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


def message(slack: LocalSlack, text: str, channel: str = CHANNEL) -> Message:
    return slack.workspace.say(channel, "U0SELLER", text)


def test_the_model_that_a_message_names_is_looked_at_below_it(slack: LocalSlack, samples: Path) -> None:
    praised = message(slack, f"our new endpoint serves `{samples / 'DeepSeek-R1'}`, honestly!")
    found = answer_to(slack, lambda: slack.shortcut(CALLBACK, praised))
    assert "As claimed: full model" in shown(found) and found.thread_ts == praised.ts


def test_where_a_message_names_several_people_choose(slack: LocalSlack, samples: Path) -> None:
    names = ("DeepSeek-R1", "DeepSeek-R1-Distill-Qwen-7B")
    praised = message(slack, "take " + " or ".join(str(samples / name) for name in names))
    slack.shortcut(CALLBACK, praised, user="U0ZH")
    modal = slack.modal("U0ZH")
    assert modal is not None and "提到了多个模型" in str(modal.blocks[0])
    chosen = str(samples / names[1])
    found = answer_to(slack, lambda: slack.submit("U0ZH", target_known=chosen))
    assert "蒸馏版" in shown(found) and found.thread_ts == praised.ts and not modal.open


def test_where_it_names_none_people_are_asked_and_lose_nothing(slack: LocalSlack, samples: Path) -> None:
    slack.shortcut(CALLBACK, message(slack, "lunch at 12:30, and/or coffee?"))
    modal = slack.modal()
    assert modal is not None and "names no model" in str(modal.blocks[0])
    slack.submit(target="/etc", words="for lawyers")
    assert "outside the directories" in modal.errors["target"] and modal.typed["words"] == "for lawyers"
    found = answer_to(slack, lambda: slack.submit(target=str(samples / "DeepSeek-R1")))
    assert "As claimed: full model" in shown(found)


def test_where_the_bot_is_no_member_the_answer_comes_all_the_same(slack: LocalSlack, samples: Path) -> None:
    praised = message(slack, f"try {samples / 'DeepSeek-R1'}", OUTSIDE)
    found = answer_to(slack, lambda: slack.shortcut(CALLBACK, praised), OUTSIDE)
    assert "As claimed: full model" in shown(found)


def test_a_repeated_delivery_changes_nothing_and_quotas_hold(slack: LocalSlack, samples: Path) -> None:
    praised = [message(slack, f"try {samples / 'DeepSeek-R1'}") for _ in range(7)]
    told, known = len(asides(slack)), len(answers(slack))
    deliveries = [slack.shortcut(CALLBACK, one, user="U0MANY") for one in (*praised[:6], praised[5])]
    slack.redeliver(deliveries[0])
    assert len(asides(slack)) == told
    slack.shortcut(CALLBACK, praised[6], user="U0MANY")
    assert "quota of 6" in asides(slack)[-1]
    slack.wait_for(lambda: len(answers(slack)) == known + 6)


def test_buttons_forms_and_the_home_tab_work_over_sockets_too(slack: LocalSlack, samples: Path) -> None:
    verdict = answer_to(slack, lambda: slack.slash(f"identify {samples / 'DeepSeek-R1'}"))
    explained = answer_to(slack, lambda: slack.press(verdict, "r1.explain"))
    assert explained.thread_ts == verdict.ts
    slack.press(verdict, "r1.compare")
    modal = slack.modal()
    assert modal is not None
    slack.submit(other=" ")
    assert "Name a model" in modal.errors["other"]
    other = samples / "DeepSeek-R1-Distill-Qwen-7B"
    compared = answer_to(slack, lambda: slack.submit(other=str(other)))
    assert "DeepSeek-R1-Distill-Qwen-7B" in shown(compared) and compared.thread_ts == verdict.ts
    slack.open_home()
    slack.wait_for(lambda: "As claimed: full model" in str([home.blocks for home in slack.workspace.homes.values()]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("is <https://huggingface.co/deepseek-ai/DeepSeek-R1|this> real?", ("https://huggingface.co/deepseek-ai/DeepSeek-R1",)),
        ("deepseek-ai/DeepSeek-R1 and again deepseek-ai/DeepSeek-R1", ("deepseek-ai/DeepSeek-R1",)),
        ("vendor-a beats vendor-b", ("vendor-a", "vendor-b")),
        ("用 vendor-a 吧", ("vendor-a",)),
        ("he/she said and/or", ()),
        ("explain abcdefgh23", ()),
        ("", ()),
    ],
    ids=["link", "twice", "endpoints", "chinese", "prose", "verdict", "empty"],
)  # fmt: skip
def test_what_a_message_names(text: str, found: tuple[str, ...]) -> None:
    assert named_in({"text": text}, ("vendor-a", "vendor-b")) == found
