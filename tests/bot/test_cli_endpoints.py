"""Endpoints in the terminal: registered, asked, recorded; their keys never printed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from arena import Arena, Served, trusted
from command_line import SIGNING_KEY, r1
from sqlalchemy import select

from bot.endpoints import resolve
from bot.requests import Origin, request_from_json
from bot.settings import load_settings
from bot.store import open_store
from bot.store.models import WatchRow
from bot.watches.checking import check_endpoint
from engine.behaviour.records import Check

KEY = "sk-abcdefghijklmnop1234"
URL = "https://api.vendor.example/v1"
FULL, DISTILL = trusted("DeepSeek-R1"), trusted("R1-Distill-Qwen-32B", 1)
FAKE = Served(2, 0, "R1-Distill-Qwen-32B", "distilled", DISTILL.stack, "deepseek-r1", ())


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with Arena([FULL, DISTILL, FAKE]) as running:
        yield running


def test_an_endpoint_is_registered_listed_and_removed() -> None:
    added = r1("endpoint", "add", "vendor-a", f"{URL}#r1", "--key-env", "VENDOR_KEY", "--budget-tokens", "3000")
    assert added.returncode == 0 and "r1 identify vendor-a" in added.stdout, added.stderr
    assert "VENDOR_KEY" in r1("endpoint", "list").stdout
    (line,) = json.loads(r1("endpoint", "list", "--json").stdout)
    assert (line["name"], line["url"], line["model"], line["budget_tokens"]) == ("vendor-a", URL, "r1", 3000)
    assert r1("endpoint", "add", "vendor-a", URL).returncode == 2
    assert "不再登记" in r1("endpoint", "remove", "vendor-a", "--lang", "zh").stdout
    assert r1("endpoint", "remove", "vendor-a").returncode == 2
    assert "No endpoint is registered yet" in r1("endpoint", "list").stdout


def test_a_key_comes_by_standard_input_and_never_out_again() -> None:
    refused = r1("endpoint", "add", "a", URL, "--key-stdin", stdin=f"{KEY}\n")
    assert refused.returncode == 2 and "R1_SECRET_KEY is not set" in refused.stderr
    secret = r1("endpoint", "secret").stdout.strip()
    done = r1("endpoint", "add", "a", URL, "--key-stdin", stdin=f"{KEY}\n", R1_SECRET_KEY=secret)
    assert done.returncode == 0 and "encrypted" in done.stdout
    asked = r1("identify", "a", R1_SECRET_KEY=r1("endpoint", "secret").stdout.strip())
    assert asked.returncode == 2 and "another R1_SECRET_KEY" in asked.stderr
    for shown in (done, asked, r1("endpoint", "list"), r1("endpoint", "list", "--json", R1_SECRET_KEY=secret)):
        assert KEY not in shown.stdout + shown.stderr and "gAAAA" not in shown.stdout
    assert KEY.encode() not in Path(os.environ["R1_DATABASE_URL"].removeprefix("sqlite:///")).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("endpoint", "add", "Vendor A", URL), "no name for an endpoint"),
        (("endpoint", "add", "a", "nonsense"), "no endpoint"),
        (("endpoint", "add", "a", f"https://me:{KEY}@host/v1"), "key or a password"),
        (("endpoint", "add", "a", URL, "--key-env", KEY), "key or a password"),
        (("endpoint", "add", "a", URL, "--concurrency", "900"), "from 1 to 32"),
        (("identify", "no-such-endpoint"), "No endpoint is registered"),
        (("identify", URL, "--key-env", "NOT_SET_HERE"), "NOT_SET_HERE"),
        (("identify", URL, "--budget-tokens", "0"), "--budget-tokens"),
        (("identify", f"https://me:{KEY}@host/v1"), "delete it now"),
        (("reference", "record", "/some/path", "--variant", "DeepSeek-R1"), "nothing at /some/path"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words: tuple[str, ...], said: str) -> None:
    done = r1(*words)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr
    assert done.stderr.count("\n") == 1 and KEY not in done.stderr


def test_no_option_takes_a_key() -> None:
    for verb in (("endpoint", "add"), ("identify",), ("reference", "record")):
        options = {word.strip(",") for word in r1(*verb, "--help").stdout.split() if word.startswith("--")}
        assert {option for option in options if "key" in option} <= {"--key-env", "--key-stdin"}


def test_a_registered_name_is_asked_and_told_in_history(arena: Arena) -> None:
    r1("endpoint", "add", "vendor-a", arena.spec(FAKE))
    found = r1("identify", "vendor-a")
    assert found.returncode == 4, found.stdout + found.stderr
    assert "Not what it says: distilled" in found.stdout and "requests: " in found.stdout
    assert "Target: vendor-a" in found.stdout
    (row,) = json.loads(r1("history", "vendor", "--json").stdout)
    assert "would show" in r1("explain", row["id"]).stdout
    assert json.loads(r1("recompute", row["id"], "--json").stdout)["verdict"]["outcome"] == "distilled"


def test_a_url_is_asked_directly_within_its_budget(arena: Arena) -> None:
    found = json.loads(r1("identify", arena.spec(FULL), "--json").stdout)
    assert found["target"]["kind"] == "endpoint" and found["verdict"]["outcome"] == "full"
    assert 0 < found["target"]["cost"]["prompt_tokens"] < 4000
    poor = r1("identify", arena.spec(FULL), "--budget-tokens", "20", "--json")
    assert poor.returncode == 3 and json.loads(poor.stdout)["target"]["cost"]["prompt_tokens"] <= 20


def test_a_directory_called_like_an_endpoint_needs_its_path(
    arena: Arena, tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vendor-a").symlink_to(samples / "DeepSeek-R1-Distill-Qwen-7B")
    monkeypatch.chdir(tmp_path)

    def kind(target: str) -> str:
        return str(json.loads(r1("identify", "--json", target).stdout)["target"]["kind"])

    assert kind("vendor-a") == "directory"
    r1("endpoint", "add", "vendor-a", arena.spec(FULL))
    assert (kind("vendor-a"), kind("./vendor-a")) == ("endpoint", "directory")


def test_a_reference_is_recorded_listed_and_used(arena: Arena, tmp_path: Path) -> None:
    record = ("reference", "record", arena.spec(FULL), "--variant")
    done = r1(*record, "DeepSeek-R1", "--key-env", "VENDOR_API_KEY", "--json", VENDOR_API_KEY="sk-secret-value")
    assert done.returncode == 0, done.stderr
    recorded = json.loads(done.stdout)
    file = Path(recorded["file"]).read_text(encoding="utf-8")
    assert not any(secret in file for secret in ("sk-secret-value", SIGNING_KEY, arena.url(FULL)))
    assert (recorded["state"], recorded["variant"], recorded["version"]) == ("signed", "DeepSeek-R1", 1)
    assert {"facts", "problems", "behaviour"} <= set(recorded["parts"]) and recorded["aside"] is None
    assert "DeepSeek-R1" in r1("reference", "list").stdout
    shown = r1("reference", "show", "DeepSeek-R1").stdout
    assert "short prompts that watches compare with" in shown and "The first piece of an answer came after" in shown
    unheard = r1(*record, "R9", "-o", str(tmp_path / "x.json"))
    assert unheard.returncode == 2 and not (tmp_path / "x.json").exists()

    broken = tmp_path / "references" / "broken.json"
    broken.write_text("{")
    r1("endpoint", "add", "vendor", arena.spec(FULL))
    for lang, words in (("en", "left out, as it cannot be read"), ("zh", "没有采用")):
        found = r1("identify", "vendor", "--lang", lang)
        assert found.returncode == 0 and words in found.stdout and "broken.json" in found.stdout
    given = r1("identify", "vendor", "--reference", str(broken))
    assert given.returncode == 2 and "broken.json" in given.stderr
    check = first_check("vendor")
    assert check.look.state == "begun" and check.look.reference_log_e and check.watched.reference is not None


def first_check(name: str) -> Check:
    """Watch an endpoint, and check it for the first time."""
    r1("watch", "add", name)
    store, settings = open_store(os.environ["R1_DATABASE_URL"]), load_settings()
    with store.read() as session:
        request = request_from_json(session.scalars(select(WatchRow)).one().request)
        asked = resolve(session, request, Origin("cli"), settings)
    assert asked is not None
    found = check_endpoint(store, settings, request, asked, lambda progress: None).check
    store.close()
    assert found is not None
    return found
