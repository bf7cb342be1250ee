"""Files: a URL to send one to, its bytes, and the message that shows it.

Sources: docs.slack.dev/reference/methods/files.getUploadURLExternal, files.completeUploadExternal and files.info,
/reference/objects/file-object, /reference/block-kit/block-elements/file-input-element.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.local_slack.errors import ApiError, Body, invalid

_LARGEST = 1 << 30
_NAME, _TITLE, _ALT = 255, 255, 1000  # the first is a file system's; Slack states none of them


@dataclass(slots=True)
class Upload:
    """A file on its way. ``data`` is ``None`` until it came; ``shared``: a message shows it."""

    id: str
    name: str
    length: int
    alt: str
    data: bytes | None = None
    title: str = ""
    shared: bool = False
    user: str = ""
    deleted: bool = False


class Uploads:
    """The files of a workspace. ``base`` is where they are sent to, ``kept`` where they are had from."""

    def __init__(self) -> None:
        self.base, self.kept = "", ""
        self.files: dict[str, Upload] = {}
        self._keys: dict[str, str] = {}

    def url(self, arguments: Mapping[str, Any]) -> Body:
        """files.getUploadURLExternal.

        Raises:
            ApiError: no name, or no size.
        """
        name, length = str(arguments.get("filename") or ""), str(arguments.get("length") or "")
        if not name or len(name) > _NAME:
            raise invalid("filename")
        if not length.isdigit() or not 0 < int(length) <= _LARGEST:
            raise invalid("length")
        alt = str(arguments.get("alt_txt") or "")
        if len(alt) > _ALT:
            raise invalid("alt_txt")
        made, key = Upload(f"F{secrets.token_hex(5).upper()}", name, int(length), alt), secrets.token_hex(16)
        self.files[made.id] = made
        self._keys[key] = made.id
        return {"upload_url": self.base + key, "file_id": made.id}

    def chosen(self, name: str, data: bytes, user: str) -> Upload:
        """A file of a person's, as their client uploads it while they fill in a form."""
        made = Upload(f"F{secrets.token_hex(5).upper()}", name, len(data), "", data, name, user=user)
        self.files[made.id] = made
        return made

    def info(self, arguments: Mapping[str, Any]) -> Body:
        """files.info.

        Raises:
            ApiError: there is no such file, or it was deleted.
        """
        return {"file": self.told(str(arguments.get("file"))), "comments": [], "response_metadata": {"next_cursor": ""}}

    def told(self, file_id: str) -> Body:
        """A file as ``files.info`` and a form's state tell of it.

        Raises:
            ApiError: there is no such file, or it was deleted.
        """
        file = self.files.get(file_id)
        if file is None or file.data is None:
            raise ApiError("file_not_found")
        if file.deleted:
            raise ApiError("file_deleted")
        where = f"{self.kept}{file.id}"
        return {**file_json(file), "user": file.user, "is_external": False, "is_public": False, "mimetype": "text/plain",
                "url_private": f"{where}/{quote(file.name)}",
                "url_private_download": f"{where}/download/{quote(file.name)}"}  # fmt: skip

    def awaits(self, key: str) -> bool:
        """Whether a URL is one of these."""
        return key in self._keys

    def take(self, key: str, data: bytes) -> str | None:
        """Bytes sent to a URL; what is wrong with them, if anything is. A URL takes one file."""
        file = self.files.get(self._keys.pop(key, ""))
        if file is None:
            return "no such upload"
        if len(data) != file.length:
            return f"{len(data)} bytes, {file.length} announced"
        file.data = data
        return None

    def complete(self, arguments: Mapping[str, Any]) -> list[Upload]:
        """The files that files.completeUploadExternal names, now with titles.

        Raises:
            ApiError: the list is malformed, or a file is unknown, was not sent, or is shared already.
        """
        given = arguments.get("files")
        try:
            entries = json.loads(given) if isinstance(given, str) else given
        except ValueError:
            entries = None
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            raise invalid("files")
        found = [self.files.get(str(entry.get("id"))) for entry in entries]
        for entry, file in zip(entries, found, strict=True):
            if file is None or file.data is None or file.shared:
                raise ApiError("file_not_found")
            if len(str(entry.get("title") or "")) > _TITLE:
                raise invalid("files")
        complete = [file for file in found if file is not None]
        for entry, file in zip(entries, complete, strict=True):
            file.title, file.shared = str(entry.get("title") or file.name), True
        return complete


def file_json(file: Upload) -> Body:
    """A file as messages list it."""
    kind = file.name.rpartition(".")[2].lower()
    return {"id": file.id, "name": file.name, "title": file.title, "filetype": kind, "size": file.length,
            "alt_txt": file.alt, "mode": "hosted"}  # fmt: skip
