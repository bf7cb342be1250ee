"""Endpoints: what may be registered, what a name or URL in a question stands for, and what asking may cost."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from bot.pasted import holds_secret
from bot.requests import MOST_TOKENS, Origin, Request
from bot.sealing import seal, unseal
from bot.settings import Settings
from bot.store.endpoints import find_endpoint, list_endpoints
from bot.store.models import EndpointRow
from engine.errors import R1Error, TargetError, UsageError
from engine.targets.endpoint import THOROUGH, Budget, Endpoint, parse_endpoint
from engine.targets.spec import HubRef, parse_spec

MOST_CONCURRENCY = 32
NAME_LENGTH, KEY_LENGTH = 40, 3000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_KEY = re.compile(rf"[!-~]{{1,{KEY_LENGTH}}}")
_OURS = ("R1_*", "SLACK_*")


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody typed to register an endpoint; empty where nothing was."""

    name: str
    url: str
    model: str = ""
    api: str = ""
    key_env: str = ""
    key: str = field(default="", repr=False)
    concurrency: str = ""
    budget: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """An endpoint to ask, and what asking may cost. ``most``: tokens that whoever registered it, or asks, allows at once."""

    endpoint: Endpoint
    budget: Budget
    most: int | None = None


def is_name(text: str) -> bool:
    """Whether an endpoint could be registered as ``text``, in any case of letters."""
    return _NAME.fullmatch(text.lower()) is not None


def is_endpoint_url(text: str) -> bool:
    """Whether a target is the URL of an endpoint: any but those of Hub repositories."""
    if not re.match(r"https?://", text, re.IGNORECASE):
        return False
    try:
        return not isinstance(parse_spec(text), HubRef)
    except R1Error:
        return True


def problems(form: Form, settings: Settings, *, in_slack: bool) -> dict[str, R1Error]:
    """What is wrong with a form, by field; empty when it can be registered.

    Args:
        in_slack: hold it to what people in Slack may have this machine send and where to.
    """
    return dict(_problems(form, settings, in_slack=in_slack))


def row_of(form: Form, settings: Settings, *, team: str, added_by: str) -> EndpointRow:
    """The row for a form without problems, its key sealed."""
    endpoint = _endpoint(form)
    return EndpointRow(
        team=team,
        name=form.name,
        url=endpoint.url,
        model=endpoint.model,
        api=endpoint.api,
        key_env=form.key_env or None,
        key_encrypted=seal(form.key, settings) if form.key else None,
        concurrency=int(form.concurrency or endpoint.concurrency),
        budget_tokens=int(form.budget) if form.budget else None,
        added_by=added_by,
    )


def resolve(
    session: Session, request: Request, origin: Origin, settings: Settings, *, key_env: str | None = None
) -> Asked | None:
    """The registered endpoint that a request names, by name or URL; ``None`` where it names no such thing.

    Args:
        key_env: the variable that holds the key, instead of the key it was registered with.

    Raises:
        UsageError: the name or URL fits several, its key is not to be had, or it may not cost as much.
    """
    target, team = request.target or "", None if origin.surface == "cli" else origin.team
    row = find_endpoint(session, target, team) if is_name(target) else None
    if row is None and is_endpoint_url(target):
        row = _by_url(session, target, team)
    if row is None:
        return None
    public_only = row.team != "" and not settings.allow_private_endpoints
    endpoint = Endpoint(
        url=row.url,
        model=row.model,
        api=row.api,  # type: ignore[arg-type]  # written from an Endpoint
        name=row.name,
        key=_variable(key_env) if key_env else _key(row, settings),
        public_only=public_only,
        concurrency=row.concurrency,
    )
    cap = row.budget_tokens or (THOROUGH.tokens if team is not None else None)
    return Asked(endpoint, budget_of(request, cap), request.budget_tokens or row.budget_tokens)


def unregistered(request: Request, key_env: str | None) -> Asked | None:
    """The endpoint whose URL was typed in a terminal; ``None`` where the target is no URL.

    Raises:
        UsageError: the URL is none, or its key's variable is not set.
    """
    if not is_endpoint_url(request.target or ""):
        return None
    key = _variable(key_env) if key_env else None
    return Asked(replace(parse_endpoint(request.target or ""), key=key), budget_of(request, None))


def budget_of(request: Request, cap: int | None) -> Budget:
    """What a request may spend, at most ``cap`` tokens.

    Raises:
        UsageError: it asks for more.
    """
    base = THOROUGH if request.thorough else Budget()
    if request.budget_tokens is None:
        return replace(base, tokens=min(base.tokens, cap or base.tokens))
    if cap is not None and request.budget_tokens > cap:
        raise UsageError("budget_exceeds", name=(request.target or "")[:80], most=cap)
    return replace(base, tokens=request.budget_tokens)


def _problems(form: Form, settings: Settings, *, in_slack: bool) -> Iterator[tuple[str, R1Error]]:
    for where in ("name", "url", "model", "key_env"):
        if holds_secret(getattr(form, where)):
            yield where, UsageError("secret_in_field")
            return
    if not _NAME.fullmatch(form.name):
        yield "name", UsageError("endpoint_name", name=form.name[:60], most=NAME_LENGTH)
    try:
        endpoint = _endpoint(form)
        if in_slack and not settings.allow_private_endpoints and _is_private(endpoint.url):
            yield "url", TargetError("endpoint_private_setting", host=urlsplit(endpoint.url).hostname or "?")
    except UsageError as error:
        yield "model" if error.code == "endpoint_model" and form.model else "url", error
    if form.key_env and form.key:
        yield "key", UsageError("key_twice")
    # What was typed is not repeated: it may be the key itself, in the wrong place.
    elif form.key_env and not _VARIABLE.fullmatch(form.key_env):
        yield "key_env", UsageError("key_variable_name")
    elif form.key_env and in_slack and not _may_be_named(form.key_env, settings):
        yield "key_env", UsageError("key_variable_refused", allowed=", ".join(settings.key_variables))
    if form.key:
        yield from _key_problems(form.key, settings)
    for name, value, most in (
        ("concurrency", form.concurrency, MOST_CONCURRENCY),
        ("budget", form.budget, MOST_TOKENS),
    ):
        if value and not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= most):
            yield name, UsageError("number_range", value=value[:20], most=most)


def _key_problems(key: str, settings: Settings) -> Iterator[tuple[str, R1Error]]:
    if not _KEY.fullmatch(key):
        yield "key", UsageError("key_characters")
        return
    try:
        seal(key, settings)
    except UsageError as error:
        yield "key", error


def _endpoint(form: Form) -> Endpoint:
    """The form's endpoint, its URL as two people would write the same one."""
    parsed = parse_endpoint(form.url.strip())
    if form.model:
        parsed = replace(parsed, model=parse_endpoint(f"http://host#{form.model}").model)
    if form.api == "openai" and parsed.api == "ollama":  # some gateways serve OpenAI's API below /api
        parsed = replace(parsed, url=f"{parsed.url}/api", api="openai")
    if form.api == "ollama" and parsed.api == "openai":
        parsed = replace(parsed, url=parsed.url.removesuffix("/v1"), api="ollama")
    return replace(parsed, url=_canonical(parsed.url))


def _canonical(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{shown}{port}{parts.path}"


def _is_private(url: str) -> bool:
    """Whether the host is plainly none of the public internet's; names are looked up when they are asked."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if "." not in host and ":" not in host:
        return True
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return host.endswith((".localhost", ".local", ".internal"))


def _may_be_named(variable: str, settings: Settings) -> bool:
    """Not any variable: whoever names one has its value sent to a server of their choice."""
    if any(fnmatchcase(variable, pattern) for pattern in _OURS):
        return False
    return any(fnmatchcase(variable, pattern) for pattern in settings.key_variables)


def _by_url(session: Session, url: str, team: str | None) -> EndpointRow | None:
    asked = parse_endpoint(url)
    same = [
        row
        for row in list_endpoints(session, team)
        if row.url == _canonical(asked.url) and row.model == (asked.model or row.model)
    ]
    if len(same) > 1:
        raise UsageError("endpoint_ambiguous", name=url[:120], names=", ".join(row.name for row in same))
    return same[0] if same else None


def _key(row: EndpointRow, settings: Settings) -> str | None:
    if row.key_encrypted:
        return unseal(row.key_encrypted, settings, row.name)
    return _variable(row.key_env) if row.key_env else None


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise UsageError("key_variable_unset", name=name[:100])
    return value
