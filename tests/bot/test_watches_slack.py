"""Watches end to end in the loopback Slack: asked for, silent, told of a swap and of the way back, paused by a button."""

from __future__ import annotations

import shutil
from pathlib import Path

from pressing import CHANNEL, answer_to, answers, look, shown
from sqlalchemy import select, update

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.store import Store, open_store
from bot.store.models import JobRow, RequestRow
from engine.samples import published, write_checkpoint


def put(name: str, at: Path) -> None:
    """Have the watched folder hold this model."""
    shutil.rmtree(at, ignore_errors=True)
    write_checkpoint(published(name), at)  # made anew: copying would fill its sparse files


def bring_morning(store: Store) -> None:
    """Let the time of the digest that waits come."""
    digests = select(RequestRow.id).where(RequestRow.dedup_key.like("digest:%"))
    with store.begin() as session:
        session.execute(update(JobRow).where(JobRow.request_id.in_(digests)).values(lease_until=0.0))


def test_a_swapped_checkpoint_is_told_once_and_silence_means_that_nothing_changed(tmp_path: Path) -> None:
    target = tmp_path / "DeepSeek-R1"
    put("DeepSeek-R1", target)
    with LocalSlack() as slack, running_bot(slack, tmp_path):
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        wanted = f"watch {target} --every 10m --timezone Asia/Shanghai --notify <@U0ANA|ana>, <@U0BO> --digest 09:00"
        made = answer_to(slack, lambda: slack.slash(wanted))
        assert "every 10 minutes" in shown(made) and "first look is at once" in shown(made)
        assert "I mention <@U0ANA> <@U0BO>" in shown(made) and "once a day, at 09:00 (Asia/Shanghai)" in shown(made)
        slack.wait_for(lambda: len(answers(slack)) == 2, 60)
        assert "DeepSeek-R1 is" in answers(slack)[1].text and "I stay silent" in shown(answers(slack)[1])

        look(slack, store)
        assert len(answers(slack)) == 2

        put("R1-Distill-Qwen-7B", target)
        swap = answer_to(slack, lambda: look(slack, store), seconds=60)
        assert "has changed" in swap.text and "R1-Distill-Qwen-7B" in swap.text and "What differs" in shown(swap)
        assert "For <@U0ANA> <@U0BO>." in shown(swap)
        look(slack, store)
        assert len(answers(slack)) == 3

        put("DeepSeek-R1", target)
        back = answer_to(slack, lambda: look(slack, store), seconds=60)
        assert "has changed: it was" in back.text and "R1-Distill-Qwen-7B" in back.text

        shutil.rmtree(target)
        known = len(answers(slack))
        for _ in range(3):
            look(slack, store)
        assert len(answers(slack)) == known  # it waits for the morning
        digest = answer_to(slack, lambda: bring_morning(store))
        assert "The watch has news" in digest.text and "could not be looked at" in shown(digest)
        assert "For <@U0ANA> <@U0BO>." in shown(digest) and digest.thread_ts is None
        put("DeepSeek-R1", target)

        explained = answer_to(slack, lambda: slack.press(swap, "r1.explain"))
        assert "explained" in shown(explained) and explained.thread_ts == swap.ts
        again = answer_to(slack, lambda: slack.press(back, "r1.watch_run"), seconds=60)
        assert "as people knew it since" in shown(again)
        paused = answer_to(slack, lambda: slack.press(back, "r1.watch_pause"))
        assert "Paused" in paused.text
        listed = answer_to(slack, lambda: slack.slash("watch list"))
        assert "paused" in shown(listed) and "every 10 minutes" in shown(listed)
        home = slack.open_home()
        slack.wait_for(lambda: slack.workspace.homes and "paused" in str(slack.workspace.homes), 20)
        assert home is not None and slack.workspace.violations == [] and slack.workspace.unseen == []
        store.close()


def test_a_watch_asked_for_privately_tells_its_person_alone(tmp_path: Path) -> None:
    target = tmp_path / "DeepSeek-R1"
    put("DeepSeek-R1", target)

    def told(slack: LocalSlack) -> list[Message]:
        return answers(slack, "D0PERSON")

    with LocalSlack() as slack, running_bot(slack, tmp_path, socket_mode=True):
        slack.slash(f"监控 {target} --every 1h --private")
        slack.wait_for(lambda: told(slack), 60)
        assert "DeepSeek-R1" in told(slack)[0].text
        assert all(message.ephemeral_to for message in answers(slack, CHANNEL))
        assert slack.workspace.violations == []
