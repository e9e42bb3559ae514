"""Ask a hub for a file: where it is, how large, and its checksum. huggingface_hub knows the rest of the protocol.

Its own download was measured against a hub that cuts and lies (docs/models.md): it begins anew after its process
ended, only warns of a full disk, has no bound and no checksum. So it is asked for what it does well (endpoint, token,
offline switch, names, errors), and the bytes come the way of every other web address.
"""

from __future__ import annotations

import re
from typing import Any

from maw import __version__
from maw.extras import how_to_add
from maw_remote.engine.sources import Progress, StoreError, choose
from maw_remote.fetch import address
from maw_remote.fetch.address import HubFile
from maw_remote.fetch.download import LOG_IN, Limits, Target, refused
from maw_remote.fetch.patience import Lost, Patience

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
LIBRARY = "maw"


def resolve(wanted: HubFile, sha256: str | None, limits: Limits, progress: Progress) -> Target:
    """Where the file is. Raises StoreError and FatalError."""
    try:
        from huggingface_hub import constants
    except ImportError:
        raise StoreError(
            "download", "huggingface_hub is not installed beside the runner", hint=how_to_add("runner")
        ) from None
    address.checked_url(constants.ENDPOINT)  # a token must not go out in the clear
    patience = Patience(limits.pause, progress)
    while True:
        try:
            return _resolve(wanted, sha256, limits)
        except Lost as exc:
            patience.lost(exc, moved=False, hint="check the network of the node, and HF_ENDPOINT if you set it")


def _resolve(wanted: HubFile, sha256: str | None, limits: Limits) -> Target:
    import huggingface_hub as hub

    revision = wanted.revision or None
    file = wanted.file or _asked(wanted, lambda: _only_file(wanted, limits))
    token = hub.get_token() or False
    url = hub.hf_hub_url(wanted.repository, file, revision=revision)
    known = _asked(
        wanted,
        lambda: hub.get_hf_file_metadata(
            url, token=token, timeout=min(limits.silence, 10.0), library_name=LIBRARY, library_version=__version__
        ),
    )
    promised = known.etag if known.etag and _SHA256.match(known.etag) else None
    if sha256 and promised and sha256 != promised:
        raise StoreError(
            "checksum",
            f"the hub's {file} is not the file the catalogue knows (SHA-256 {promised[:12]}…, expected {sha256[:12]}…)",
            hint="its makers replaced it; take it by its own name, or correct sha256 in your models.toml",
        )
    # The commit, not the branch: what is fetched stays what was asked about, whoever pushes meanwhile.
    pinned = hub.hf_hub_url(wanted.repository, file, revision=known.commit_hash or revision)
    authorization = (("authorization", f"Bearer {token}"),) if token else ()
    identity = f"sha256:{promised}" if promised else f"url:{pinned}:{known.etag}"
    return Target(pinned, identity, known.size, sha256 or promised, authorization)


def _only_file(wanted: HubFile, limits: Limits) -> str:
    import huggingface_hub as hub

    info = hub.HfApi(library_name=LIBRARY, library_version=__version__).model_info(
        wanted.repository, revision=wanted.revision or None, timeout=limits.silence
    )
    files = [entry.rfilename for entry in info.siblings or () if not entry.rfilename.startswith("mmproj")]
    return choose(files, f"hf:{wanted.repository}", "", hint="name one: hf:OWNER/REPOSITORY/FILE.gguf")


def _asked(wanted: HubFile, ask: Any) -> Any:
    """What the library answers, or what its exception means."""
    from huggingface_hub import constants, errors

    # The two lines of releases stand on two HTTP libraries; their common error is the base of the hub's own.
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    name = "/".join(filter(None, (wanted.repository, wanted.file)))
    try:
        return ask()
    except errors.OfflineModeIsEnabled:
        raise StoreError(
            "download", "HF_HUB_OFFLINE is set where the runner runs, so the hub is not asked",
            hint="unset it and restart the runner (`maw-runner restart`), or `maw model import` a file that is there",
        ) from None  # fmt: skip
    except errors.GatedRepoError:
        raise StoreError(
            "forbidden", f"{wanted.repository} is given to those who accepted its terms only", hint=LOG_IN
        ) from None
    except (errors.RevisionNotFoundError, errors.EntryNotFoundError):
        raise StoreError("not_found", f"the hub has no {name}{'@' * bool(wanted.revision)}{wanted.revision}",
                         hint="look at the repository's list of files") from None  # fmt: skip
    except errors.RepositoryNotFoundError:
        hint = f"look at the name; if it is private, {LOG_IN}"
        raise StoreError("not_found", f"the hub has no repository {wanted.repository}", hint=hint) from None
    except errors.HfHubHTTPError as exc:
        status = exc.response.status_code
        if status in (408, 425, 429) or status >= 500:
            raise Lost(f"the hub answers {status}") from exc
        raise refused(status, "the hub") from exc
    except http_error as exc:
        raise Lost(f"the hub at {address.shown(constants.ENDPOINT)} cannot be reached: {type(exc).__name__}") from exc
