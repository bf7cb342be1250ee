"""Signatures: a file says who vouches for it, and no change to it goes unnoticed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CatalogError, UsageError
from engine.signing import Key, new_key, opened, read_key, read_trusted, sign

MINE, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
TRUSTED = {MINE.public: "Ada"}
DOCUMENT = {"variant": "DeepSeek-R1", "entropies": {"en-1": 0.1, "zh-一": 1e-7}, "counts": [3, 2**70], "none": None}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DOCUMENTS = st.recursive(
    LEAVES | TEXTS, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4), max_leaves=12
)


@given(DOCUMENTS, st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_read_back_with_who_signed_it(document: Any, seed: bytes) -> None:
    key = Key(seed)
    data = sign(document, key, "reference")
    found = opened(data, {key.public: "Ada"}, "reference", name="a.json")
    assert (found.state, found.signer, found.key) == ("signed", "Ada", key.public)
    assert repr(found.document) == repr(document)
    laid_out_anew = json.dumps(json.loads(data), ensure_ascii=True, sort_keys=True).encode()
    assert opened(laid_out_anew, {}, "reference", name="a.json").state == "unknown"


@given(st.data())
def test_a_byte_changed_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    signed = sign(DOCUMENT, MINE, "reference")
    at = data.draw(st.integers(0, len(signed) - 1))
    changed = signed[:at] + bytes([data.draw(st.integers(0, 255))]) + signed[at + 1 :]
    try:
        found = opened(changed, TRUSTED, "reference", name="a.json")
    except CatalogError as error:
        assert "a.json" in error.sentence("en") and "a.json" in error.sentence("zh")
        return
    if found.state == "signed":
        assert found.document == DOCUMENT
    elif found.state == "unsigned":  # the member by which a signature is known was broken: refused as unsigned
        assert "r1_signed" not in found.document
    else:
        assert (found.state, found.document) == ("tampered", None)


@pytest.mark.parametrize("member", ["document", "kind", "key", "signature", "r1_signed"])
def test_a_member_that_is_missing_or_of_another_type_is_tampering(member: str) -> None:
    signed = json.loads(sign(DOCUMENT, MINE, "reference"))
    for value in (None, [], {}, "", 0, True, "Ä", float("inf")):
        found = opened(json.dumps(signed | {member: value}).encode(), TRUSTED, "reference", name="a.json")
        assert found.state == "tampered" and found.document is None, value
    assert opened(json.dumps(signed | {"more": 1}).encode(), TRUSTED, "reference", name="a.json").state == "tampered"
    del signed[member]
    state = opened(json.dumps(signed).encode(), TRUSTED, "reference", name="a.json").state
    assert state == ("unsigned" if member == "r1_signed" else "tampered")


def test_a_signature_of_another_key_or_kind_vouches_for_nothing_here() -> None:
    signed = json.loads(sign(DOCUMENT, OTHER, "reference"))
    assert opened(json.dumps(signed).encode(), TRUSTED, "reference", name="a").state == "unknown"
    passed_off = json.dumps(signed | {"key": MINE.public}).encode()
    assert opened(passed_off, TRUSTED, "reference", name="a").state == "tampered"
    with pytest.raises(CatalogError, match=r"a\.json .*reference, not catalog"):
        opened(sign(DOCUMENT, MINE, "reference"), TRUSTED, "catalog", name="a.json")
    renamed = json.dumps(json.loads(sign(DOCUMENT, MINE, "reference")) | {"kind": "catalog"}).encode()
    assert opened(renamed, TRUSTED, "catalog", name="a.json").state == "tampered"


def test_what_later_programs_sign_is_left_to_them() -> None:
    later = json.loads(sign(DOCUMENT, MINE, "reference")) | {"r1_signed": 2}
    with pytest.raises(CatalogError, match=r"a\.json .*later"):
        opened(json.dumps(later).encode(), TRUSTED, "reference", name="a.json")


@pytest.mark.parametrize("text", ["", "{", "[" * 5000, '{"r1_signed": 1, "r1_signed": 1}', "\xff"])
def test_what_is_no_json_or_says_a_thing_twice_is_refused_by_name(text: str) -> None:
    with pytest.raises(CatalogError, match=r"a\.json"):
        opened(text.encode("latin-1"), {}, "reference", name="a.json")


@pytest.mark.parametrize("document", [float("nan"), {"a": float("inf")}, "\ud800", {1, 2}, b"bytes"], ids=repr)
def test_what_is_no_json_is_not_signed(document: Any) -> None:
    with pytest.raises(UsageError, match="cannot be signed"):
        sign(document, MINE, "reference")


# Keys


def test_a_private_key_is_read_from_base64_or_pem_and_never_shown() -> None:
    import base64

    key = new_key()
    assert read_key(key.pem) == key == read_key(f" {base64.b64encode(key.seed).decode()}\n")
    assert key != new_key() and str(key.seed) not in repr(key)
    # RFC 8032, section 7.1, test 1.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert Key(seed).public == f"ed25519:{base64.b64encode(public).decode()}"
    assert Key(seed).signature(b"").hex().startswith("e5564300c360ac72")


@pytest.mark.parametrize("text", ["", "hunter2", "AAAA", MINE.public, "-----BEGIN PRIVATE KEY-----\nAA\n", "é" * 44])
def test_what_is_no_private_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UsageError, match="signing_key") as caught:
        read_key(text)
    assert not text or text not in caught.value.sentence("en") + caught.value.sentence("zh")


def test_trusted_keys_have_names_in_whatever_order_people_write_them() -> None:
    assert read_trusted("") == {}
    text = f"Ada {MINE.public}\n\n  {OTHER.public}  Bob's bot  ,Ada {MINE.public}"
    assert read_trusted(text) == {MINE.public: "Ada", OTHER.public: "Bob's bot"}


@pytest.mark.parametrize(
    "text",
    [
        "Ada",
        MINE.public,
        f"Ada {MINE.public} {OTHER.public}",
        "Ada ed25519:AAAA",
        f"Ada {MINE.public}, Bob {MINE.public}",
    ],
)
def test_an_entry_without_one_name_and_one_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="trusted_keys"):
        read_trusted(text)
