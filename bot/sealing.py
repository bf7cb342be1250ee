"""Keys of endpoints, encrypted for the database with a master key that is not in it."""

from __future__ import annotations

from bot.settings import Settings
from engine.errors import UsageError


def new_master_key() -> str:
    """A fresh value for the setting ``secret_key``."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode("ascii")


def seal(key: str, settings: Settings) -> str:
    """The key, encrypted and authenticated (Fernet: AES-128-CBC, HMAC-SHA256).

    Raises:
        UsageError: the master key is not set, or is none.
    """
    sealed: bytes = _fernet(settings).encrypt(key.encode("utf-8"))
    return sealed.decode("ascii")


def unseal(sealed: str, settings: Settings, name: str) -> str:
    """The key of the endpoint ``name``.

    Raises:
        UsageError: the master key is not set, is none, or is not the one it was sealed with.
    """
    from cryptography.fernet import InvalidToken

    try:
        key: bytes = _fernet(settings).decrypt(sealed.encode("utf-8"))
    except InvalidToken as error:
        raise UsageError("master_key_wrong", name=name) from error
    return key.decode("utf-8")


def _fernet(settings: Settings):  # type: ignore[no-untyped-def]  # its type would import cryptography at every start
    from cryptography.fernet import Fernet

    master = settings.secret_key.get_secret_value()
    if not master:
        raise UsageError("master_key_unset")
    try:
        return Fernet(master)
    except ValueError as error:
        raise UsageError("master_key_invalid") from error
