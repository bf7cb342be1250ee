"""Targets on the Hub: file list and small files through huggingface_hub, headers by range requests.

huggingface_hub brings what users expect of it: ``HF_ENDPOINT``, mirrors, tokens, cache, offline mode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.errors import CorruptTarget, TargetError
from engine.targets.checkpoint import read_folder
from engine.targets.spec import HubRef, parse_spec
from engine.targets.target import Cost, File, Target

if TYPE_CHECKING:
    import httpx

_WORKERS = 16
_GUESS = 48 << 10
"""First bytes asked of a shard. Full-model headers run to 75 KB, so nothing is fetched in vain there."""
_TRIES = 5
_DEADLINE = 180.0
_TIMEOUT = 20.0


def open_hub(spec: str, ref: HubRef) -> Target:
    """A repository, read over the network, or from the local cache in offline mode.

    Raises:
        TargetError: not found, gated, private, no network; the sentence says which.
        CorruptTarget: its files contradict each other.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _open_cached(spec, ref)
    commit, files = _list(ref)
    folder = HubFolder(ref.repo, commit, files)
    try:
        contents = read_folder(folder, wanted=ref.wanted, with_index=False)
    finally:
        folder.client.close()
    if not contents.weights and contents.config is None and contents.card is None:
        raise TargetError("nothing_readable", name=ref.repo)
    name = f"{ref.repo}/{ref.wanted}" if ref.wanted else ref.repo
    cost = Cost(requests=folder.requests + 1, bytes_read=folder.bytes_read)
    return contents.as_target(spec, "hub", name, files, cost, revision=commit)


def reopen(target: Target) -> HubFolder:
    """The folder that a Hub target was read from, to read more of its files. Close its ``client``."""
    ref = parse_spec(target.spec)
    repo = ref.repo if isinstance(ref, HubRef) else target.name
    return HubFolder(repo, target.revision or "main", target.files)


class HubFolder:
    """One commit of a repository."""

    header_guess = _GUESS
    workers = _WORKERS
    whole_tokenizer = False

    def __init__(self, repo: str, commit: str, files: Sequence[File]) -> None:
        import httpx
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, unlisted

        self.repo, self.commit, self.files = repo, commit, files
        self.requests, self.bytes_read = 0, 0
        self._sizes = {file.name: file.size for file in files}
        self._lock = Lock()
        self._until = time.monotonic() + _DEADLINE
        limits = httpx.Limits(max_connections=_WORKERS)
        # httpx drops the Authorization header when a redirect leaves the endpoint's host.
        self.client = httpx.Client(
            headers=build_hf_headers(),
            follow_redirects=True,
            timeout=_TIMEOUT,
            limits=limits,
            max_redirects=5,
        )

    def small(self, name: str, limit: int) -> bytes | None:
        size = self._sizes.get(name)
        if size is not None and size > limit:
            raise CorruptTarget("json_too_large", name=name)
        data = self.cached(name)
        if len(data) > limit:
            raise CorruptTarget("json_too_large", name=name)
        return data

    def cached(self, name: str) -> bytes:
        """A small file through huggingface_hub's cache: fetched once per commit."""
        from huggingface_hub import hf_hub_download, try_to_load_from_cache

        known = try_to_load_from_cache(self.repo, name, revision=self.commit)
        path = known if isinstance(known, str) else None
        if path is None:
            path = _calling_hub(self.repo, lambda: hf_hub_download(self.repo, name, revision=self.commit))
            self._count(2, Path(path).stat().st_size)
        return Path(path).read_bytes()

    def head(self, name: str, length: int) -> bytes | None:
        size = self._sizes.get(name)
        if size is not None and size <= min(length, 100_000):
            return self.cached(name)
        return self.open(name).read(0, length)

    def open(self, name: str) -> HubSource:
        size = self._sizes.get(name)
        if size is None:
            raise TargetError("hub_no_size", name=name)
        return HubSource(self, name, size)

    def fetch(self, url: str, first: int, last: int) -> httpx.Response:
        """Bytes ``first``..``last`` of a URL, retried while the host is busy or the line drops."""
        import httpx

        for attempt in range(_TRIES):
            wait = 0.25 * 2**attempt
            try:
                response = self._get(url, first, last)
            except httpx.TransportError as error:
                problem = type(error).__name__
            else:
                if response.status_code == 206 or (response.status_code == 200 and first == 0):
                    return response
                if response.status_code not in (408, 429, 500, 502, 503, 504):
                    raise TargetError("hub_refused", name=self.repo, status=response.status_code)
                problem = f"HTTP {response.status_code}"
                wait = max(wait, _retry_after(response))
            if attempt + 1 == _TRIES or time.monotonic() + wait > self._until:
                raise TargetError("hub_busy", name=self.repo, problem=problem, tries=attempt + 1)
            time.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _get(self, url: str, first: int, last: int) -> httpx.Response:
        """One request; a host that ignores Range is cut off once it has sent what was asked for."""
        with self.client.stream("GET", url, headers={"Range": f"bytes={first}-{last}"}) as response:
            wanted, body = last - first + 1, bytearray()
            for chunk in response.iter_raw(65536):
                body += chunk
                if len(body) >= wanted:
                    break
            self._count(1 + len(response.history), len(body))
            response._content = bytes(body[:wanted])
        return response

    def _count(self, requests: int, size: int) -> None:
        with self._lock:
            self.requests += requests
            self.bytes_read += size


class HubSource:
    """A remote file, read by ranges; the redirect to the storage host is followed once."""

    def __init__(self, folder: HubFolder, name: str, size: int) -> None:
        from huggingface_hub import hf_hub_url

        self.folder, self.name, self.size = folder, name, size
        self._url = hf_hub_url(folder.repo, name, revision=folder.commit)

    def read(self, offset: int, length: int) -> bytes:
        last = min(offset + length, self.size) - 1
        if last < offset:
            return b""
        response = self.folder.fetch(self._url, offset, last)
        total = response.headers.get("content-range", "").rpartition("/")[2]
        if total.isdigit() and int(total) != self.size:
            raise CorruptTarget("truncated", name=self.name, expected=self.size, found=int(total))
        self._url = str(response.url)
        return response.content


def _list(ref: HubRef) -> tuple[str, list[File]]:
    """Commit and files (with sizes) of a repository, in one request."""
    from huggingface_hub import HfApi

    info: Any = _calling_hub(
        ref.repo,
        lambda: HfApi().model_info(ref.repo, revision=ref.revision, files_metadata=True, timeout=_TIMEOUT),
    )
    files = [File(str(entry.rfilename), entry.size) for entry in info.siblings or []]
    return str(info.sha or ref.revision or "main"), sorted(files)


def _open_cached(spec: str, ref: HubRef) -> Target:
    """Offline: the snapshot that an earlier download left in the cache."""
    from dataclasses import replace

    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    from engine.targets.local import open_directory

    try:
        root = snapshot_download(ref.repo, revision=ref.revision, local_files_only=True)
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise TargetError("hub_offline", name=ref.repo) from error
    target = open_directory(spec, Path(root), name=ref.repo, kind="hub")
    return replace(target, revision=Path(root).name)


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return min(float(value), 60.0) if value.replace(".", "", 1).isdigit() else 0.0


def _calling_hub(repo: str, call: Callable[[], Any]) -> Any:
    """Run a huggingface_hub call and turn its many errors into sentences."""
    from huggingface_hub import errors

    try:
        return call()
    except errors.GatedRepoError as error:
        raise TargetError("hub_gated", name=repo) from error
    except errors.RepositoryNotFoundError as error:
        raise TargetError("hub_not_found", name=repo) from error
    except errors.RevisionNotFoundError as error:
        raise TargetError("hub_revision", name=repo) from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise TargetError("hub_offline", name=repo) from error
    except errors.HFValidationError as error:
        raise TargetError("hub_not_found", name=repo) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        raise TargetError("hub_refused", name=repo, status=status) from error
    except Exception as error:
        # Its HTTP library differs between releases, and a mirror that answers HTML or lacks the API makes
        # it fail in many ways: told apart by name, so that none of them escapes as a traceback.
        if "Timeout" in type(error).__name__:
            raise TargetError("hub_timeout", name=repo, endpoint=_endpoint()) from error
        if isinstance(error, OSError) or "http" in type(error).__module__:
            raise TargetError("hub_unreachable", name=repo, endpoint=_endpoint()) from error
        raise TargetError("hub_no_api", name=repo, endpoint=_endpoint()) from error


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)
