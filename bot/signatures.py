"""Keys of signatures: one's own, made on first use, and those of others that are trusted."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from bot.settings import Settings
    from engine.signing import Key

_FILE = "signing_key.pem"
_LIMIT = 20_000


def signing_key(settings: Settings) -> Key:
    """One's own private key, by the setting ``signing_key``; where that is not set, the one in the data directory, which is
    made on first use.

    Raises:
        UsageError: what is set is no key, its file cannot be read, or none can be made.
    """
    from engine.signing import new_key, read_key

    if (key := own_key(settings)) is not None:
        return key
    file = key_file(settings)
    assert file is not None  # a key that is set is there, or was refused
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as made:
            made.write(new_key().pem)
        try:
            os.link(draft, file)  # of two that make one at the same time, the first is both's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return read_key(_text(file))
    except OSError as error:
        raise UsageError("signing_key_unwritable", file=str(file), problem=error.strerror or "?") from error


def own_key(settings: Settings) -> Key | None:
    """One's own private key, where there is one; none is made. Raises as ``signing_key``."""
    from engine.signing import read_key

    file = key_file(settings)
    if file is None:
        return read_key(settings.signing_key.get_secret_value())
    if not file.exists() and not settings.signing_key.get_secret_value():
        return None
    try:
        return read_key(_text(file))
    except OSError as error:
        raise UsageError("signing_key_unreadable", file=str(file), problem=error.strerror or "?") from error
    except ValueError as error:  # not UTF-8
        raise UsageError("signing_key_invalid") from error


def key_file(settings: Settings) -> Path | None:
    """The file of one's own key, whether it is there or not; ``None`` where the setting holds the key itself."""
    from bot.settings import default_database
    from engine.signing import read_key

    given = settings.signing_key.get_secret_value().strip()
    if not given:
        return default_database().parent / _FILE
    try:
        read_key(given)
    except UsageError:
        path = Path(given).expanduser()
        # What is neither key nor path is not shown: it may be a key with a slip in it.
        if path.is_absolute() or path.suffix or path.exists():
            return path
        raise
    return None


def trusted(settings: Settings, *more: str) -> dict[str, str]:
    """Names by public key of all whose signatures count here: those set, one's own, and ``more`` bare keys, which are
    their own names.

    Raises:
        UsageError: the setting ``trusted_keys`` has an entry that is none, one of ``more`` is no public key, or as ``own_key``.
    """
    from engine.signing import read_public, read_trusted

    found = {read_public(key): key for key in more} | read_trusted(settings.trusted_keys)
    own = own_key(settings)
    return {**found, own.public: own_name()} if own is not None else found


def own_name() -> str:
    """What one's own key is called: the user at the machine."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = "r1"
    return f"{user}@{socket.gethostname()}".replace(",", "-")


def _text(file: Path) -> str:
    with file.open(encoding="utf-8") as read:
        return read.read(_LIMIT)
