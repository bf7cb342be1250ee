"""Updates of the catalog: whole, signed and later than what is in use, or refused with nothing changed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog import load_family, parse_family
from engine.catalog.differences import behind, differences
from engine.catalog.fetching import fetch
from engine.catalog.signed import read_update, sign_families
from engine.catalog.updates import current_files, read_index, roll_back, take_in
from engine.catalog.versions import grows, later
from engine.errors import CatalogError, R1Error, UsageError
from engine.signing import Key, sign

KEY, STRANGER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
TRUSTED = {KEY.public: "Ada"}
R1 = Path("engine/catalog/deepseek-r1.yaml").read_text(encoding="utf-8")
ARTICLE = Path("engine/catalog/article.yaml").read_text(encoding="utf-8")


def edition(version: str, old: str = "", new: str = "", *, text: str = R1) -> str:
    """A later edition of a family that ships, with one thing in it another."""
    current = parse_family(text, "x").version
    assert old in text
    return text.replace(f'"{current}"', f'"{version}"').replace(old, new, 1)


def signed(folder: Path, *texts: str, key: Key = KEY) -> bytes:
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(text, encoding="utf-8")
    return sign_families(files, key)


def take(folder: Path, *texts: str) -> list[tuple[str, str, str]]:
    update = read_update(signed(folder, *texts), TRUSTED, name="u.json")
    steps = take_in(update, folder / "catalog", "u.json")
    return [(step.after.name, step.before.version if step.before else "", step.after.version) for step in steps]


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=4), st.lists(st.integers(0, 9999), min_size=1, max_size=4))
def test_versions_grow_number_by_number(one: list[int], other: list[int]) -> None:
    a, b = ".".join(map(str, one)), "-".join(map(str, other))
    assert grows(a) and grows(b) and not grows(f"{a}-rc") and not grows("")
    assert later(a, b) == (one > other) and not (later(a, b) and later(b, a))


def test_an_update_is_used_by_all_that_read_the_folder_and_can_be_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    first = edition("2027-01-01", "num_hidden_layers: 28", "num_hidden_layers: 29")
    assert take(tmp_path, first, edition("2027-01-01", text=ARTICLE)) == [
        ("deepseek-r1", "2026-11-24", "2027-01-01"),
        ("article", "2025-09-17", "2027-01-01"),
    ]
    assert load_family("deepseek-r1", current_files(folder)).version == "2027-01-01"
    assert take(tmp_path, first) == []
    assert take(tmp_path, edition("2027-01-01.1")) == [("deepseek-r1", "2027-01-01", "2027-01-01.1")]
    assert [one.signer for one in read_index(folder).taken] == ["Ada"] * 3
    assert roll_back(folder, "deepseek-r1").after.version == "2027-01-01"
    assert roll_back(folder, "deepseek-r1").after == load_family("deepseek-r1")
    with pytest.raises(UsageError, match="No update of deepseek-r1"):
        roll_back(folder, "deepseek-r1")
    assert [path.parent.name for path in current_files(folder)] == ["article"]
    assert take(tmp_path, first) == [("deepseek-r1", "2026-11-24", "2027-01-01")]


def test_a_family_that_is_new_has_nothing_before_it(tmp_path: Path) -> None:
    assert take(tmp_path, edition("1", "name: article", "name: ours", text=ARTICLE)) == [("ours", "", "1")]
    with pytest.raises(UsageError, match="nothing to go back to"):
        roll_back(tmp_path / "catalog", "ours")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (edition("2026-11-23"), "catalog_downgrade"),
        (edition("2026-11-24", "num_hidden_layers: 28", "num_hidden_layers: 29"), "catalog_same_version"),
        (edition("2027-rc"), "catalog_version"),
        (edition("2027", "  - id: R1-Distill-Qwen-7B\n", "  - id: R1-Distill-Qwen-9B\n"), "catalog_variants_gone"),
        (edition("2027", "name: deepseek-r1", "name: ../x"), "catalog_name"),
        (edition("2027", "num_hidden_layers: 28", "num_hidden_layers: -1"), "catalog_invalid"),
        (edition("2027", "    tokenizer: r1-distill-qwen\n", "    tokenizer: nobodys\n"), "catalog_invalid"),
        ("a: [", "catalog_yaml"),
    ],
)
def test_one_wrong_family_and_nothing_of_the_update_is_taken_in(tmp_path: Path, text: str, code: str) -> None:
    data = sign({"families": [edition("2027", text=ARTICLE), text]}, KEY, "catalog")
    with pytest.raises(CatalogError) as caught:
        take_in(read_update(data, TRUSTED, name="u.json"), tmp_path / "catalog", "u.json")
    assert caught.value.code == code and "u.json" in caught.value.sentence("zh")
    assert current_files(tmp_path / "catalog") == () and not list(tmp_path.rglob("*.yaml"))


def test_a_variant_goes_where_it_is_said_to(tmp_path: Path) -> None:
    text = (
        edition("2027", "  - id: R1-Distill-Qwen-7B\n", "  - id: R1-Distill-Qwen-9B\n")
        + "retired: [R1-Distill-Qwen-7B]\n"
    )
    assert take(tmp_path, text) == [("deepseek-r1", "2026-11-24", "2027")]


def test_only_what_somebody_trusted_signed_is_taken_in(tmp_path: Path) -> None:
    good = signed(tmp_path, edition("2027"))
    for data, code in (
        (b'{"families": []}', "catalog_unsigned"),
        (signed(tmp_path, edition("2027"), key=STRANGER), "catalog_unknown_key"),
        (good.replace(b"num_hidden_layers: 28", b"num_hidden_layers: 29", 1), "catalog_tampered"),
        (sign({"families": []}, KEY, "catalog"), "catalog_document"),
        (sign({"families": [1]}, KEY, "catalog"), "catalog_document"),
        (sign([], KEY, "catalog"), "catalog_document"),
        (sign({"families": [R1]}, KEY, "reference"), "document_kind"),
    ):
        with pytest.raises(CatalogError) as caught:
            read_update(data, TRUSTED, name="u.json")
        assert caught.value.code == code and "u.json" in caught.value.sentence("en")


def test_a_damaged_index_is_named_and_not_overwritten(tmp_path: Path) -> None:
    take(tmp_path, edition("2027"))
    index = tmp_path / "catalog" / "index.json"
    index.write_text('{"format": 1, "current": []}')
    with pytest.raises(CatalogError, match=r"index\.json"):
        take(tmp_path, edition("2028"))
    assert index.read_text() == '{"format": 1, "current": []}'


def test_of_several_at_once_each_is_kept(tmp_path: Path) -> None:
    texts = [edition("1", "name: article", f"name: f{number}", text=ARTICLE) for number in range(6)]
    updates = [read_update(sign({"families": [text]}, KEY, "catalog"), TRUSTED, name="u") for text in texts]
    threads = [threading.Thread(target=take_in, args=(update, tmp_path, "u")) for update in updates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_index(tmp_path).current) == [f"f{number}" for number in range(6)]


def test_differences_are_figure_by_figure_and_those_behind_a_verdict_come_first() -> None:
    before = load_family("deepseek-r1")
    text = edition("2027", "id: R1-Distill-Qwen-7B\n", "id: R1-Distill-Qwen-9B\n").replace(
        "hidden_size: 7168", "hidden_size: 7169", 1
    )
    after = parse_family(text.replace("merges: 151387", "merges: 151388", 1), "x")
    found = differences(before, after)
    assert [(one.kind, one.of, one.id, one.field) for one in found] == [
        ("added", "variant", "R1-Distill-Qwen-9B", ""),
        ("removed", "variant", "R1-Distill-Qwen-7B", ""),
        ("changed", "variant", "DeepSeek-R1", "shape.hidden_size"),
        ("changed", "tokenizer", "r1-distill-qwen", "merges"),
    ]
    why = behind(found, {"R1-Distill-Qwen-7B"}, before, after)
    assert [one.id for one in why] == ["R1-Distill-Qwen-7B", "r1-distill-qwen", "R1-Distill-Qwen-9B", "DeepSeek-R1"]
    told = parse_family(edition("2027", "MIT; base Apache-2.0", "MIT"), "x")
    assert not any(one.weighs for one in differences(before, told))


@contextmanager
def served(answer: bytes) -> Iterator[int]:
    """A server that gives every request the same answer."""
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), []

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def start() -> None:
        server = await asyncio.start_server(give, "127.0.0.1", 0)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()

    loop.create_task(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    ready.wait(5)
    yield port[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def test_an_update_is_fetched_from_public_servers_only_unless_private_ones_are_allowed(tmp_path: Path) -> None:
    data = signed(tmp_path, edition("2027"))
    with served(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)) as port:
        assert fetch(f"http://127.0.0.1:{port}/u.json", private=True) == (data, "u.json")
        with pytest.raises(R1Error, match="private network"):
            fetch(f"https://127.0.0.1:{port}/u.json")
        with pytest.raises(UsageError, match="https://"):
            fetch(f"http://127.0.0.1:{port}/u.json")
    for answer, problem in (
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000, "more than 4 MB"),
    ):
        with served(answer) as port, pytest.raises(R1Error, match=problem):
            fetch(f"http://127.0.0.1:{port}/u.json", private=True)


@pytest.mark.parametrize(
    "source",
    ["ftp://a.example/u", "https://me:secret@a.example/u", "https://", "https://[::1", "/none\x00", "/no/such", "~"],
)
def test_a_source_that_is_none_gets_a_sentence_without_its_password(source: str) -> None:
    with pytest.raises(R1Error) as caught:
        fetch(source)
    assert "secret" not in caught.value.sentence("en") + caught.value.sentence("zh")
