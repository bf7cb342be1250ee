"""References: recorded again without losing what was, handed on with a signature, and taken in only where somebody vouches."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command_line import SIGNING_KEY, Done, r1

from bot.references import every, keep_recorded, look_at
from bot.settings import load_settings
from engine.errors import UsageError
from engine.signing import Key, read_key, sign

MINE, ADA = read_key(SIGNING_KEY), Key(bytes(32))
TRUSTING = {"R1_TRUSTED_KEYS": f"Ada {ADA.public}"}
ANSWERS = {"variant": "DeepSeek-R1", "host": "api.vendor.example", "created": "2026-11-20", "facts": {"pi": {"3": 2}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "references"


def kept(whose: str = "vendor", **changes: Any) -> Path:
    """A reference, kept as one that was just recorded."""
    return keep_recorded(load_settings(), {**ANSWERS, **changes}, whose, None).kept.path


def sent(path: Path, content: Any, key: Key | None = ADA) -> str:
    """A file that somebody sent."""
    path.write_bytes(sign(content, key, "reference") if key is not None else json.dumps(content).encode())
    return str(path)


def taken(*words: str, **environment: str) -> Done:
    return r1("reference", "import", *words, **environment)


def held(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.json")} | {path.name for path in folder.glob("earlier/*.json")}


# Recorded again


def test_recording_again_counts_up_and_keeps_what_was(folder: Path) -> None:
    first = kept()
    before = first.read_bytes()
    assert kept(facts={"pi": {"4": 2}}) == first
    kept(facts={"pi": {"5": 2}})
    assert held(folder) == {
        "DeepSeek-R1@vendor.json", "DeepSeek-R1@vendor.v1.json", "DeepSeek-R1@vendor.v2.json"
    }  # fmt: skip
    assert (folder / "earlier" / "DeepSeek-R1@vendor.v1.json").read_bytes() == before
    (now,) = json.loads(r1("reference", "list", "--json").stdout)
    assert now["version"] == 3 and now["state"] == "signed"
    listed = json.loads(r1("reference", "list", "--earlier", "--json").stdout)
    assert sorted(row["version"] for row in listed) == [1, 2, 3]
    assert '"4"' in r1("reference", "show", "DeepSeek-R1@vendor.v2", "--json").stdout


def test_of_several_that_record_at_the_same_time_none_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("R1_SIGNING_KEY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: kept(facts={"pi": {str(number): 1}}), range(12)))
    found = [one.vouched for one in every(load_settings(), earlier=True)]
    assert sorted(one.reference.version for one in found if one) == list(range(1, 13))
    assert len({str(one.reference.facts) for one in found if one}) == 12
    assert len({one.key for one in found if one}) == 1


def test_what_cannot_be_read_any_more_is_kept_too_when_another_takes_its_place(folder: Path) -> None:
    path = kept()
    kept()
    path.write_bytes(path.read_bytes()[:-40])
    kept()
    assert held(folder) == {f"DeepSeek-R1@vendor{ending}" for ending in (".json", ".v1.json", ".v2.json")}
    assert look_at(path, {}).vouched.reference.version == 3  # type: ignore[union-attr]
    assert look_at(folder / "earlier" / "DeepSeek-R1@vendor.v2.json", {}).state == "invalid"


def test_where_nothing_can_be_written_nothing_is_lost(tmp_path: Path) -> None:
    kept()
    for place in (tmp_path, tmp_path / "references" / "DeepSeek-R1@vendor.json" / "x.json"):
        done = r1("reference", "export", "DeepSeek-R1", "-o", str(place))
        assert done.returncode == 2 and "cannot be written" in done.stderr and len(done.stderr.splitlines()) == 1
        with pytest.raises(UsageError, match="cannot be written"):
            keep_recorded(load_settings(), ANSWERS, "vendor", place)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_that_one_holds_is_told(lang: str) -> None:
    held = {
        "problems": {"4": [3, 8], "5": [1, 8]},
        "entropies": {"en-common-1": 0.5},
        "behaviour": {"format": 99},
        "speed": {"first": 0.25, "gap": 0.02, "pieces": 60.0},
        "engine_version": "0.1.0",
        "requests": 94,
        "prompt_tokens": 9000,
        "completion_tokens": 2000,
    }
    kept(**held)
    shown = r1("reference", "show", "deepseek-r1", "--lang", lang)
    assert shown.returncode == 0, shown.stderr
    for figure in ("api.vendor.example", "2026-11-20", "0.1.0", "94", "11,000", "4", "16", "0.25", "50", MINE.public):
        assert figure in shown.stdout, figure


# Handed on


def test_a_reference_is_handed_on_and_taken_in_at_another_home(tmp_path: Path, folder: Path) -> None:
    kept()
    there = {"R1_REFERENCE_DIR": str(tmp_path / "there"), "R1_SIGNING_KEY": ADA.pem}
    own = r1("key", "show")
    name, _, public = own.stdout.strip().rpartition(" ")
    assert public == MINE.public and name and "R1_TRUSTED_KEYS" in own.stderr
    done = r1("reference", "export", "DeepSeek-R1")
    refused = taken("-", stdin=done.stdout, **there)
    assert refused.returncode == 2 and public in refused.stderr and not (tmp_path / "there").exists()
    took = taken("-", stdin=done.stdout, R1_TRUSTED_KEYS=own.stdout, **there)
    assert took.returncode == 0 and name in took.stdout, took.stderr
    (file,) = (tmp_path / "there").glob("*.json")
    assert file.read_text("utf-8") == done.stdout
    again = taken("-", stdin=done.stdout, R1_TRUSTED_KEYS=own.stdout, **there)
    assert "here already" in again.stdout and len(held(tmp_path / "there")) == 1
    verified = r1("reference", "verify", str(file), R1_TRUSTED_KEYS=own.stdout, **there)
    assert verified.returncode == 0 and f"signed by {name}" in verified.stdout
    assert r1("reference", "verify", str(file), **there).returncode == 3
    assert r1("reference", "verify", **there).returncode == 0


def test_what_is_handed_on_names_no_host_of_ones_own_network(tmp_path: Path) -> None:
    for number, host in enumerate(("10.1.2.3", "127.0.0.1", "gpu-7", "llm.corp", "fe80::1")):
        kept(str(number), host=host, variant=f"mine-{number}")
        out = tmp_path / "out.json"
        assert r1("reference", "export", f"mine-{number}", "-o", str(out)).returncode == 0
        assert host not in out.read_text() and look_at(out, {}).state == "unknown"
    kept()
    assert "api.vendor.example" in r1("reference", "export", "DeepSeek-R1").stdout


def test_nobody_is_made_to_vouch_for_what_others_recorded(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    old = sent(folder / "old.json", ANSWERS, None)
    assert "not signed" in r1("reference", "export", "old").stderr
    assert json.loads(r1("reference", "export", "old", "--sign").stdout)["key"] == MINE.public
    theirs = sent(folder / "theirs.json", ANSWERS)
    assert r1("reference", "export", "theirs").stdout.encode() == Path(theirs).read_bytes()
    assert json.loads(r1("reference", "export", "theirs", "--sign").stdout)["key"] == MINE.public
    Path(old).write_text("{")
    assert r1("reference", "export", "old", "--sign").returncode == 2


# Taken in


def test_only_what_somebody_vouches_for_is_taken_in(tmp_path: Path, folder: Path) -> None:
    known, stranger, bare = (
        sent(tmp_path / name, ANSWERS, key)
        for name, key in (("a.json", ADA), ("b.json", Key(b"b" * 32)), ("c.json", None))
    )
    for file, words in ((stranger, "none of the keys you trust"), (bare, "--unsigned")):
        refused = taken(file, **TRUSTING)
        assert refused.returncode == 2 and words in refused.stderr and len(refused.stderr.splitlines()) == 1
    changed = tmp_path / "changed.json"
    changed.write_bytes(Path(known).read_bytes().replace(b'"3": 2', b'"3": 3'))
    for words in ((), ("--unsigned",), ("--trust", ADA.public)):
        assert "is not what was signed" in taken(str(changed), *words, **TRUSTING).stderr
    assert "is no public key" in taken(stranger, "--trust", "Ada").stderr
    assert "trusted_keys" in taken(stranger, R1_TRUSTED_KEYS="Ada").stderr
    assert not folder.exists()

    assert "signed by Ada" in taken(known, **TRUSTING).stdout
    assert taken(stranger, "--trust", Key(b"b" * 32).public).returncode == 0
    assert "没有签名" in taken(bare, "--unsigned", "--lang", "zh").stdout
    assert len(held(folder)) == 3 and not list(folder.glob("earlier/*"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**ANSWERS, "colour": "blue"}, "colour"),
        ({**ANSWERS, "version": 0}, "version"),
        ({**ANSWERS, "format": 99}, "format"),
        ({**ANSWERS, "facts": {"pi": {"3": -1}}}, "facts.pi.3"),
        ([], "no reference"),
    ],
)
def test_what_is_signed_and_no_reference_is_not_taken_in(
    content: Any, words: str, tmp_path: Path, folder: Path
) -> None:
    refused = taken(sent(tmp_path / "a.json", content), **TRUSTING)
    assert refused.returncode == 2 and words in refused.stderr and not folder.exists()


def test_an_earlier_version_does_not_take_the_place_of_a_later_one(tmp_path: Path, folder: Path) -> None:
    files = {
        v: sent(tmp_path / f"{v}.json", {**ANSWERS, "version": v, "facts": {"pi": {str(v): 1}}}) for v in (1, 2, 3)
    }
    assert taken(files[2], **TRUSTING).returncode == 0
    refused = taken(files[1], **TRUSTING)
    assert refused.returncode == 2 and "version 2 of it is here" in refused.stderr
    took = json.loads(taken(files[3], "--json", **TRUSTING).stdout)
    assert (took["version"], took["signer"], took["new"]) == (3, "Ada", True) and ".v2.json" in took["aside"]
    assert json.loads(r1("reference", "list", "--json").stdout)[0]["version"] == 3


def test_one_of_a_variant_nobody_knows_is_kept_and_said_so(tmp_path: Path) -> None:
    took = taken(sent(tmp_path / "a.json", {**ANSWERS, "variant": "DeepSeek-R0"}), **TRUSTING)
    assert took.returncode == 0 and "DeepSeek-R0" in took.stderr and "No family here knows" in took.stderr
    assert "no family here knows" in r1("reference", "list").stdout


# Damaged


def test_a_damaged_file_is_pointed_out_and_stops_nothing(folder: Path) -> None:
    path = kept()
    data = path.read_bytes()
    path.with_name("zz.json").write_bytes(data.replace(b'"3": 2', b'"3": 9'))
    path.with_name("yy.json").write_bytes(data[:100])
    listed = r1("reference", "list")
    assert listed.returncode == 0 and "signed by" in listed.stdout
    assert "zz.json is not what was signed" in listed.stdout and "yy.json is no reference" in listed.stdout
    verified = json.loads(r1("reference", "verify", "--json").stdout)
    assert [row["state"] for row in verified] == ["signed", "invalid", "tampered"]
    assert r1("reference", "verify").returncode == 2
    told = json.loads(r1("doctor", "--json", "--lang", "zh").stdout)["checks"]
    found = [check["found"] for check in told if check["check"] == "references" and check["state"] == "wrong"]
    assert len(found) == 2 and any("zz.json" in sentence and "改动" in sentence for sentence in found)


@pytest.mark.parametrize("words", [("show", "none"), ("export", "none"), ("verify", "none"), ("import", "none")])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_not_there_is_one_sentence(words: tuple[str, ...], lang: str) -> None:
    done = r1("reference", *words, "--lang", lang)
    assert done.returncode == 2 and "none" in done.stderr and len(done.stderr.splitlines()) == 1


# Keys


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("R1_SIGNING_KEY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    file = tmp_path / "data" / "r1-detective" / "signing_key.pem"
    assert r1("reference", "verify").returncode == 0 and not file.exists()
    first = json.loads(r1("key", "show", "--json").stdout)
    assert first["file"] == str(file) and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(r1("key", "show", "--json").stdout) == first
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert json.loads(r1("key", "show", "--json", R1_SIGNING_KEY=str(file)).stdout) == first
    monkeypatch.setenv("R1_SIGNING_KEY", "hunter2hunter2")
    refused = r1("key", "show")
    assert refused.returncode == 2 and "signing_key" in refused.stderr and "hunter2" not in refused.stderr
    assert "cannot be read" in r1("key", "show", R1_SIGNING_KEY=str(tmp_path / "gone.pem")).stderr
