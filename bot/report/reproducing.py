"""How to get the same verdict again: the command, what was found where, by which versions, and a fingerprint of it."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.presentation.view import words
from bot.report.markup import mark
from bot.requests import Lang
from bot.store.queries import StoredVerdict
from engine.codec import to_json
from engine.identification import Identification
from engine.units import bytes_text

_FILES = 4


class Fact(NamedTuple):
    """A figure with its name; ``code``: to be set as code."""

    name: str
    value: str
    code: bool = False


def again_command(stored: StoredVerdict) -> str:
    """What asks the same in a terminal; of a Hub repository the very revision that was seen."""
    target, request = stored.identification.target, stored.request
    spec = request.target if request is not None and request.target else target.spec
    if target.kind == "hub" and target.revision and "@" not in spec:
        spec = f"{spec}@{target.revision}"
    words = ["r1", "identify", spec]
    if stored.identification.family != "deepseek-r1":
        words += ["--family", stored.identification.family]
    if request is not None:
        words += ["--scenario", request.scenario] if request.scenario else []
        for name, value in request.constraints.items():
            words += ["--constraint", f"{name}={value}"]
        words += ["--budget-tokens", str(request.budget_tokens)] if request.budget_tokens else []
        words += ["--thorough"] if request.thorough else []
    return shlex.join(words)


def fingerprint(found: Identification) -> str:
    """SHA-256 of what every probe observed, as canonical JSON: equal where a later look sees the same."""
    seen = {row["probe"]: row["observation"] for row in to_json(found)["evidence"]}
    return hashlib.sha256(
        json.dumps(seen, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    ).hexdigest()


def costs(found: Identification, said: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What the verdict took: time, and bytes read or requests and tokens."""
    names, target = said["costs"], found.target
    time = Fact(names["seconds"], f"{found.seconds:.2f} s")
    if target.kind == "endpoint":
        return (
            time,
            Fact(names["requests"], f"{target.cost.requests:,}"),
            Fact(names["prompt"], f"{target.cost.prompt_tokens:,}"),
            Fact(names["completion"], f"{target.cost.completion_tokens:,}"),
        )
    return (
        time,
        Fact(names["read"], bytes_text(target.cost.bytes_read)),
        Fact(names["size"], bytes_text(target.weights_size)),
        Fact(names["tensors"], f"{target.tensor_count:,}"),
    )


def marks_of_record(stored: StoredVerdict, lang: Lang) -> tuple[Fact, ...]:
    """What was looked at, when, by which versions."""
    found, said = stored.identification, words(lang)["report"]["record"]
    target = found.target
    facts = [
        Fact(said["id"], mark(stored.id), True),
        Fact(said["date"], f"{stored.created:%Y-%m-%d %H:%M:%S} UTC"),
        Fact(said["target"], mark(target.spec), True),
        Fact(said["kind"], said["kinds"].get(target.kind, target.kind)),
    ]
    if target.revision:
        facts.append(Fact(said["revision"], mark(target.revision), True))
    if target.files:
        shown = [
            f"{mark(file.name)} ({bytes_text(file.size)})" if file.size is not None else mark(file.name)
            for file in target.files[:_FILES]
        ]
        more = [f"… +{len(target.files) - _FILES}"] if len(target.files) > _FILES else []
        facts.append(Fact(said["files"], ("、" if lang == "zh" else ", ").join([*shown, *more])))
    facts += [
        Fact(said["engine"], mark(found.engine_version), True),
        Fact(said["catalog"], f"{mark(found.family)} {mark(found.family_version)}", True),
        Fact(said["fingerprint"], fingerprint(found), True),
        Fact(said["again"], mark(f"r1 recompute {stored.id}"), True),
    ]
    return tuple(facts)
