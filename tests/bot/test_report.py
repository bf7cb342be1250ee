"""A report is one file that holds everything, loads nothing, reads aloud, and lets no foreign text do anything."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from arena import Arena, trusted
from click.testing import CliRunner
from command_line import r1
from hostile_replies import EVIL
from slack_sdk import WebClient

import engine
from bot.cli import group
from bot.commands import parse
from bot.demo import running_bot
from bot.jobs import Answer, Job
from bot.keeping import keep_identification
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import ApiError, Message
from bot.report import reported
from bot.report.markup import mark, plain, rich
from bot.report.reproducing import fingerprint
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.replier import SlackReplier
from bot.store import open_store
from bot.store.queries import StoredVerdict, add_request, load_verdict, save_identification, storable
from engine.codec import from_json, to_json
from engine.identification import Identification, Option
from engine.samples import forgeries
from engine.targets.endpoint import Budget, Endpoint
from engine.text import say

WHEN = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
KINDS = ("full", "distilled", "misrepresented", "inconclusive", "endpoint", "old")
VOID = {"meta", "img", "rect", "br"}


class Seen(HTMLParser):
    """A page as a parser reads it: its elements in order, each with its attributes and the text in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(data for tag, data in self.texts if tag != "style"))


def stored(found: Identification, request: Request | None = None) -> StoredVerdict:
    text = request.text if request is not None else f"identify {found.target.name}"
    return StoredVerdict("k3m9x7wq2a", WHEN, text, found, request)


def page(verdict: StoredVerdict, lang: str = "en") -> str:
    report = reported(verdict, load_settings(), lang).report  # type: ignore[arg-type]
    assert report is not None and report.name == "r1-report-k3m9x7wq2a.html"
    return report.html.decode()


def asked(text: str) -> StoredVerdict:
    request = parse(text)
    found = engine.identify(request.target or "", constraints=request.constraints, scenario=request.scenario)
    return stored(found, request)


def as_before_sizing(found: Identification) -> Identification:
    """What the first version kept: no options, figures or commands, and reasons of its own."""
    payload = to_json(found)
    payload["recommendation"] = {
        "choice": "distilled", "conflict": False, "cautions": [], "missing": ["latency"], "fits_target": True,
        "constraints": {"latency": 0.5, "scenario": "customer service"},
        "hits": [{"id": "real-time", "effect": "distilled", "priority": 50, "source": "the article",
                  "reason": {"en": "Real-time service wants a fast model.", "zh": "实时服务需要快的模型。"}}],
    }  # fmt: skip
    payload["verdict"]["reasons"] = [
        {"code": "group_fits", "values": {"group": "weights", "best": "R1-Distill-Qwen-7B", "more": 2}}
    ]
    return from_json(json.loads(json.dumps(payload)))


@pytest.fixture(scope="module")
def verdicts(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, StoredVerdict]:
    root = tmp_path_factory.mktemp("reported")
    (root / "bare").mkdir()
    (root / "bare" / "config.json").write_text("{}")
    distill = samples / "DeepSeek-R1-Distill-Qwen-7B"
    served = trusted("DeepSeek-R1")
    with Arena([served]) as arena:
        endpoint = Endpoint(arena.url(served), served.name, name="vendor-a")
        behind = engine.identify("vendor-a", endpoint=endpoint, budget=Budget(thorough=True))
    return {
        "full": asked(f"identify {samples / 'DeepSeek-R1'} legal contracts --gpu 8xH200 --concurrency 8"),
        "distilled": asked(f"identify {distill} 客服 --gpu 2x4090 --ttft 1s --concurrency 8"),
        "misrepresented": asked(f"identify {forgeries.distill_renamed_full(root)}"),
        "inconclusive": asked(f"identify {root / 'bare'}"),
        "endpoint": stored(behind, Request("identify", "identify vendor-a", "en", target="vendor-a", thorough=True)),
        "old": stored(as_before_sizing(engine.identify(str(distill)))),
    }


# What it says


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_one_file_that_reads_aloud(verdicts: Mapping[str, StoredVerdict], kind: str, lang: str) -> None:
    seen = Seen(page(verdicts[kind], lang))
    assert seen.all("html") == [{"lang": "zh-CN" if lang == "zh" else "en"}]
    assert [len(seen.all(tag)) for tag in ("h1", "header", "main", "footer", "title")] == [1] * 5
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in seen.elements}
    for tag, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("srcset", "action")]
        assert tag == "img" or not {"src", "href"} & set(attributes)
    assert not re.search(r"url\(|@import", "".join(data for tag, data in seen.texts if tag == "style"))
    assert all(head.get("scope") in ("col", "row") for head in seen.all("th"))
    assert len(seen.all("caption")) == len(seen.all("table")) and len(seen.all("figcaption")) == len(seen.all("img"))
    names = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(names) == len(set(names))
    assert {attributes["aria-labelledby"] for attributes in seen.all("section")} <= set(names)
    assert not re.search(r"\{\w*\}|\bNone\b|[\ue000-\ue004]", seen.text)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_evidence_and_how_it_fools_is_there(
    verdicts: Mapping[str, StoredVerdict], kind: str, lang: str
) -> None:
    text, found = Seen(page(verdicts[kind], lang)).text, verdicts[kind].identification
    for row in found.evidence:
        for key in ("title", "fooled"):
            assert say(f"evidence.{row.probe}.{key}", lang) in text
        assert say(f"evidence.strength.{row.strength}", lang) in text
    assert fingerprint(found) in text and found.family_version in text and found.engine_version in text
    assert "2026-11-26 09:30:00 UTC" in text and "r1 identify " in text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("full", ("As claimed: full model, DeepSeek-R1", "Run DeepSeek-R1", "Ready to serve", "vllm serve", "Runner-up")),
        ("distilled", ("As claimed: distilled, R1-Distill-Qwen-7B", "Left out", "What would change it", "first token after")),
        ("misrepresented", ("Not what it says", "Contradictions", "Without the tokenizer", "Tell me where it will run")),
        ("inconclusive", ("inconclusive", "Nothing was found that tells models apart")),
        ("endpoint", ("full model", "Prompt tokens", "r1 identify vendor-a --thorough", "Token ids")),
        ("old", ("Run a distilled model", "Real-time service wants a fast model", "By the weight headers")),
    ],
)  # fmt: skip
def test_each_verdict_tells_what_it_has(
    verdicts: Mapping[str, StoredVerdict], kind: str, words: tuple[str, ...]
) -> None:
    text = Seen(page(verdicts[kind])).text
    for told in words:
        assert told in text


def test_bars_are_the_posterior_and_sum_to_one(verdicts: Mapping[str, StoredVerdict]) -> None:
    for verdict in verdicts.values():
        seen = Seen(page(verdict))
        widths = [float((bar["width"] or "").rstrip("%")) for bar in seen.all("rect") if bar["class"] == "share"]
        assert sum(widths) == pytest.approx(100, abs=0.1)
        assert widths[0] == pytest.approx(100 * max(verdict.identification.verdict.posterior.values()), abs=0.01)


def test_pictures_are_in_the_file_and_said_in_words(verdicts: Mapping[str, StoredVerdict]) -> None:
    (image,) = Seen(page(verdicts["full"])).all("img")
    kind, _, data = (image["src"] or "").partition(",")
    assert kind == "data:image/png;base64" and base64.b64decode(data).startswith(b"\x89PNG")
    assert len(image["alt"] or "") > 30
    assert not Seen(page(verdicts["misrepresented"])).all("img")


def test_what_would_change_it_is_what_leaving_evidence_out_gives(verdicts: Mapping[str, StoredVerdict]) -> None:
    found = verdicts["misrepresented"].identification
    rest = tuple(row for row in found.evidence if row.group != "tokenizer")
    without = engine.recompute(replace(found, evidence=rest)).verdict
    assert without.grade != found.verdict.grade
    assert f"Without the tokenizer: inconclusive, most likely {without.title}" in Seen(page(stored(found))).text


def test_a_family_that_is_gone_leaves_the_rest_of_the_report(verdicts: Mapping[str, StoredVerdict]) -> None:
    orphan = stored(replace(verdicts["full"].identification, family="withdrawn"))
    text = Seen(page(orphan)).text
    assert "cannot score these observations" in text and "--family withdrawn" in text and "As claimed" in text


def test_a_later_look_at_the_same_files_has_the_same_fingerprint(samples: Path) -> None:
    spec = str(samples / "DeepSeek-R1-Distill-Qwen-7B")
    first, second = engine.identify(spec), engine.identify(spec)
    assert fingerprint(first) == fingerprint(second) == fingerprint(from_json(to_json(first)))
    assert fingerprint(first) != fingerprint(engine.identify(str(samples / "DeepSeek-R1")))


# What is foreign in it


HOSTILE = (
    EVIL, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></style><b>", "&lt;b&gt;&amp;",
    "\u202egnp.exe", "مرحبا שלום", "x" * 10_000, "*bold* _(aside)_ `code`", "\ue003\ue000", "\x00\x1b[31m", "{{ 7*7 }}",
    "javascript:alert(1)", "\udcff",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_mark_keeps_characters_and_takes_their_meaning(text: str) -> None:
    seen = Seen(f"<p>{rich(f'*{mark(text)}* `{mark(text)}`')}</p>")
    assert {tag for tag, _ in seen.elements} <= {"p", "strong", "code", "bdi"}
    assert not re.search(r"[\x00-\x1f\u202a-\u202e\ue000-\ue004\ud800-\udfff]", seen.text)
    assert len(seen.text) < 700 and plain(mark("a*b_c`")) == "a*b_c`"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_harmless_wherever_it_stands(
    verdicts: Mapping[str, StoredVerdict], text: str, lang: str
) -> None:
    def poisoned(value: Any, key: str = "") -> Any:
        """Every text that could have come from outside, another; keys and codes are the engine's own."""
        if isinstance(value, dict):
            return {name: poisoned(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [poisoned(part, key) for part in value]
        foreign = isinstance(value, str) and key in {
            "spec", "name", "revision", "title", "text", "base_model", "means", "source", "marks", "word", "begins",
            "listed", "server", "family_version", "engine_version", "variant", "dimensions", "format", "missing",
        }  # fmt: skip
        return text if foreign else value

    for kind in ("misrepresented", "inconclusive", "endpoint"):
        payload = to_json(verdicts[kind].identification)
        advice, chances = payload.pop("recommendation"), payload["verdict"].pop("posterior")
        payload = {**poisoned(payload), "recommendation": advice}
        payload["verdict"]["posterior"] = {**chances, text: 0.5}
        payload["target"]["findings"].append({"code": "pickle_weights_unopened", "values": {"count": 1, "names": text}})
        found = from_json(storable(payload))
        asking = Request("identify", storable(text), lang, target=storable(text), scenario=storable(text))  # type: ignore[arg-type]
        html = page(stored(found, asking), lang)
        seen = Seen(html)
        assert not {"script", "b", "img", "a"} & {tag for tag, _ in seen.elements}
        assert not [attributes for _, attributes in seen.elements if any(name.startswith("on") for name in attributes)]
        assert not re.search(r"[\x00-\x08\x1b\u202a-\u202e\ue000-\ue004]", html)
        assert len(html) < 200_000


# In a terminal


def keep(verdict: StoredVerdict) -> str:
    assert verdict.request is not None
    kept = keep_identification(load_settings(), verdict.request, verdict.identification)
    assert kept is not None
    return kept


def test_a_terminal_says_where_it_wrote_and_what_it_replaced(
    verdicts: Mapping[str, StoredVerdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(verdicts["distilled"])
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(group, ["report", kept, "--lang", "en"], standalone_mode=False)
    assert done.exception is None and f"The report is in r1-report-{kept}.html (" in done.output
    assert "replaced" not in done.output
    done = CliRunner().invoke(group, ["report", kept, "--lang", "zh", "-o", f"r1-report-{kept}.html"])
    assert "原有内容已被替换" in done.output
    assert "名副其实" in Path(f"r1-report-{kept}.html").read_text("utf-8")


def test_what_cannot_be_written_or_found_is_one_sentence(verdicts: Mapping[str, StoredVerdict], tmp_path: Path) -> None:
    kept = keep(verdicts["misrepresented"])
    for words, told in (
        ((kept, "-o", str(tmp_path)), "cannot be written"),
        ((kept, "-o", "/proc/none/report.html"), "cannot be written"),
        ((kept, "-o", str(tmp_path / ("x" * 300))), "cannot be written"),
        (("nonesuch",), "There is no verdict on nonesuch"),
        ((), "VERDICT"),
        (("one", "two"), "two"),
    ):
        done = r1("report", *words)
        assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_the_command_in_the_report_gives_the_same_verdict(verdicts: Mapping[str, StoredVerdict]) -> None:
    shown = re.findall(r"r1 identify [^<]+", page(verdicts["distilled"]))
    from html import unescape

    words = shlex.split(unescape(shown[0]))
    done = CliRunner().invoke(group, [*words[1:], "--json", "--no-store"], standalone_mode=False)
    again, found = from_json(json.loads(done.stdout)), verdicts["distilled"].identification
    assert again.verdict == found.verdict and fingerprint(again) == fingerprint(found)
    assert again.recommendation.option == found.recommendation.option and isinstance(
        again.recommendation.option, Option
    )


def test_what_was_asked_is_kept_with_the_verdict(verdicts: Mapping[str, StoredVerdict], database_url: str) -> None:
    verdict = verdicts["distilled"]
    assert verdict.request is not None
    store = open_store(database_url)
    with store.begin() as session:
        asking = add_request(session, verdict.request, Origin("cli"), None)
        kept = save_identification(session, verdict.identification, request_id=asking)
        alone = save_identification(session, verdict.identification, request_id=None)
    with store.begin() as session:
        known, unknown = load_verdict(session, kept), load_verdict(session, alone)
    assert known is not None and known.request == verdict.request
    assert unknown is not None and unknown.request is None
    store.close()


# In Slack


@pytest.mark.parametrize(("text", "verb"), [("report k3m9x7wq2a", "report"), ("报告 `k3m9x7wq2a`", "report"),
                                            ("report writing for lawyers on 2x4090", "recommend")])  # fmt: skip
def test_report_is_a_verb_and_a_word(text: str, verb: str) -> None:
    assert parse(text).verb == verb


def test_a_report_needs_a_verdict() -> None:
    assert parse("report").ask == "target"
    assert (parse("report prod").target, parse("report prod").verdict_id) == ("prod", None)


@pytest.fixture(scope="module")
def slack(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    root = tmp_path_factory.mktemp("bot")
    with LocalSlack() as running, running_bot(running, root, checkpoint_roots=f'["{samples}"]'):
        yield running


def test_the_file_comes_in_the_messages_thread(slack: LocalSlack, samples: Path) -> None:
    slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}")
    first = slack.wait_for(lambda: next((said for said in slack.answers() if "explain" in str(said.blocks)), None))
    kept = re.findall(r"explain (\w{10})", str(first.blocks))[0]
    slack.slash(f"报告 {kept}")
    slack.wait_for(lambda: any(said.files for said in slack.answers()), 60)
    message, shown = [said for said in slack.answers() if said.ephemeral_to is None][1:]
    assert "名副其实：蒸馏版" in message.text and kept in str(message.blocks) and shown.thread_ts == message.ts
    (file,) = shown.files
    assert re.fullmatch(rf"r1-report-{kept}-\w+\.html", file.name) and "鉴定报告" in file.title
    assert file.data is not None and Seen(file.data.decode()).all("html") == [{"lang": "zh-CN"}]
    assert not slack.workspace.violations


def test_an_id_that_is_not_there_is_a_sentence(slack: LocalSlack) -> None:
    def answers() -> list[Message]:
        return [said for said in slack.answers() if said.ephemeral_to is None]

    known = len(answers())
    slack.slash("report nonesuch")
    slack.wait_for(lambda: len(answers()) > known)
    assert "There is no verdict on nonesuch" in answers()[known].text


def answered(slack: LocalSlack, verdict: StoredVerdict, **more: Any) -> None:
    """A worker answers a job that asks for a report, as it does."""
    request = Request(verb="report", text="report k3m9x7wq2a", lang="en", verdict_id="k3m9x7wq2a")
    origin = Origin("slash", team=slack.workspace.team, channel="C0MODELS", user=slack.workspace.user)
    usual = {"id": "j1", "request": request, "origin": origin, "state": "computed", "attempt": 1, "owner": "w",
             "message_ref": None, "verdict_id": None, "recommendation_id": None, "request_id": "r", "error": None}  # fmt: skip
    answer: Answer = reported(verdict, load_settings(), "en")
    replier = SlackReplier(
        lambda team: WebClient(token=slack.workspace.bot_token, base_url=slack.api_url), load_settings()
    )
    replier.answer(Job(**{**usual, **more}), answer)


def test_a_worker_that_takes_over_sends_it_no_second_time(verdicts: Mapping[str, StoredVerdict]) -> None:
    with LocalSlack() as slack:
        answered(slack, verdicts["misrepresented"])
        answered(slack, verdicts["misrepresented"], attempt=2)
        assert len(slack.answers()) == 2 and sum(len(said.files) for said in slack.answers()) == 1


@pytest.mark.parametrize("failing", ["files.getUploadURLExternal", "files.completeUploadExternal"])
def test_a_report_that_cannot_be_uploaded_is_not_promised(verdicts: Mapping[str, StoredVerdict], failing: str) -> None:
    def refuse(method: str, arguments: dict[str, Any]) -> None:
        if method == failing:
            raise ApiError("missing_scope", needed="files:write", provided="chat:write")

    with LocalSlack() as slack:
        slack.workspace.refuse = refuse
        answered(slack, verdicts["misrepresented"])
        (message,) = slack.answers()
        assert (
            "files:write" in message.text and "missing_scope" in message.text and "is below" not in str(message.blocks)
        )


def test_where_the_bot_is_no_member_it_says_what_to_do(verdicts: Mapping[str, StoredVerdict]) -> None:
    with LocalSlack() as slack:
        slack.workspace.outside.add("C0MODELS")
        url = slack.slash_payload("report k3m9x7wq2a")["response_url"]
        answered(slack, verdicts["misrepresented"], origin=Origin("slash", channel="C0MODELS", response_url=url))
        assert "/invite" in slack.answers()[-1].text and not slack.workspace.violations
