"""Files from elsewhere, fetched only when asked: over https, or from the hub."""

import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from geocairn.errors import BadBundle, MissingExtra
from geocairn.systems.archive import MAX_BYTES
from geocairn.systems.bundle import SUFFIXES

TIMEOUT_S = 60
_CHUNK_BYTES = 1 << 20


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    """Follows an address to https alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> urllib.request.Request | None:
        """The request that follows.

        Raises:
            URLError: it leads to another scheme.
        """
        if not newurl.lower().startswith("https://"):
            raise urllib.error.URLError(f"it leads on to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_https(address: str, out: Path) -> None:
    """Write what lies at an https address to the file `out`.

    Raises:
        BadBundle: it could not be fetched whole; `out` may hold a part.
    """
    try:
        with _opener().open(address, timeout=TIMEOUT_S) as answer, out.open("xb") as file:
            told = answer.headers.get("Content-Length")
            n_bytes = _copy(answer, file)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BadBundle(f"{address}: could not be fetched ({_reason(error)}); try again, or fetch the file elsewhere and give its path") from None
    if told is not None and told != str(n_bytes):
        raise BadBundle(f"{address}: ended after {n_bytes} of {told} bytes; try again")


def fetch_from_hub(repository: str, out: Path) -> None:
    """Fetch the files of a repository OWNER/NAME that a bundle may hold into the folder `out`.

    Raises:
        BadBundle: it could not be fetched.
        MissingExtra: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra(f"hub:{repository}: fetching from the hub needs huggingface_hub; mend: pip install geocairn[encoders]") from None
    try:
        snapshot_download(repository, local_dir=out, allow_patterns=[f"*{suffix}" for suffix in SUFFIXES])
    except Exception as error:  # noqa: BLE001 - the network, the hub and its library fail in many ways; all mean that it is not here
        raise BadBundle(f"hub:{repository}: could not be fetched ({_reason(error)}); try again, or fetch the folder elsewhere and give its path") from None
    # What the hub's library notes for itself.
    shutil.rmtree(out / ".cache", ignore_errors=True)


def _opener() -> urllib.request.OpenerDirector:
    """Opens https addresses and nothing else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
        _HttpsRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _copy(answer: Any, file: Any) -> int:
    n_bytes = 0
    while chunk := answer.read(_CHUNK_BYTES):
        n_bytes += len(chunk)
        if n_bytes > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        file.write(chunk)
    return n_bytes


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError) else error
    words = " ".join(str(reason).split()) or type(error).__name__
    return words if len(words) <= 200 else f"{words[:200]}..."
