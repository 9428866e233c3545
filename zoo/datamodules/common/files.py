"""Data files: locating, downloading, unpacking and reading them."""

from __future__ import annotations

import errno
import gzip
import http.client
import math
import os
import socket
import tarfile
import tempfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.support.files import DISK_FULL, atomic_write, open_file, parse_path, read_bytes, replace

SECONDS_TO_CONNECT = 8.0
SECONDS_OF_SILENCE = 30.0


def data_root(root: str | None) -> Path:
    """Return the folder of the data sets: ``root``, or else the environment variable ``ZOO_DATA``, or else ``data``.

    Raises:
        ZooError: The path is invalid.
    """
    return parse_path(root, "--data.root") if root else parse_path(os.environ.get("ZOO_DATA") or "data", "ZOO_DATA")


def offline_reason(urls: Sequence[str], seconds: float = SECONDS_TO_CONNECT) -> str | None:
    """Return why none of these servers can be reached within ``seconds``, or None if one answers."""
    reasons: dict[str, str] = {}
    online = threading.Event()

    def ask(url: str) -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # the server refused the request, so it is online
        except (OSError, http.client.HTTPException) as error:
            reasons[url] = str(getattr(error, "reason", error))
            return
        online.set()

    # In threads, since a name lookup has no timeout.
    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive() and seconds > 0 and not online.is_set():
            thread.join(0.05)
            seconds -= 0.05
    if online.is_set():
        return None
    return reasons.get(urls[0], "no answer in time")


def download(urls: Sequence[str], target: Path, md5: str) -> None:
    """Download a file atomically, from the first server that has it with the right checksum.

    Raises:
        OSError: No server has it, or it cannot be written.
    """
    from torchvision.datasets.utils import download_url

    target.parent.mkdir(parents=True, exist_ok=True)
    socket_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_OF_SILENCE)  # torchvision sets none, and could wait forever
    try:
        for url in urls:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
                try:
                    download_url(url, folder, target.name, md5)
                except (RuntimeError, OSError, http.client.HTTPException) as error:  # RuntimeError: wrong checksum
                    failure = error
                    continue
                replace(Path(folder, target.name), target)
                return
        raise OSError(f"cannot download {target.name}: {failure}")
    finally:
        socket.setdefaulttimeout(socket_timeout)


def read_text(path: Path, most: int = 100_000_000) -> str:
    """Read a UTF-8 text file of at most ``most`` bytes, without the byte order mark that editors on Windows write.

    Raises:
        ZooError: It cannot be read, is larger, or is not UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ZooError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}") from None


def unpack_gz(archive: Path, target: Path) -> None:
    """Unpack a ``.gz`` file atomically.

    Raises:
        ZooError: The archive is damaged.
    """
    try:
        with open_file(archive) as file:
            content = gzip.decompress(file.read())
        if not content:
            raise EOFError("it is empty")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ZooError(f"{archive} is damaged ({error}); delete it to have it downloaded again") from None
    with atomic_write(target) as temporary:
        temporary.write_bytes(content)


def read_idx(path: Path, dimensions: int) -> Tensor:
    """Read a file in the IDX format of MNIST.

    Args:
        path: The file.
        dimensions: Expected number of dimensions: 3 for images, 1 for labels.

    Returns:
        A uint8 tensor of the shape in the header of the file.

    Raises:
        ZooError: The file is not in this format, or is incomplete.
    """
    with open_file(path) as file:
        content = np.fromfile(file, np.uint8)
    start = 4 + 4 * dimensions
    if content[:4].tobytes() != b"\0\0\x08" + bytes([dimensions]) or len(content) < start:
        raise ZooError(
            f"{path} is not an IDX file of {dimensions}-dimensional bytes; delete it to have it unpacked again"
        )
    shape = content[4:start].view(">u4").tolist()
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise ZooError(
            f"{path} is damaged: {len(content)} bytes, expected {expected} for shape {shape}; "
            "delete it to have it unpacked again"
        )
    return torch.from_numpy(content[start:]).reshape(shape)


def unpack_tar(archive: Path, folder: Path) -> None:
    """Unpack the folder in a tar archive to ``folder`` atomically.

    Raises:
        ZooError: The archive is damaged, or has a path that leads out of the folder.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as temporary:
        try:
            with open_file(archive) as file, tarfile.open(fileobj=file) as tar:
                tar.extractall(temporary, filter="data")  # refuses paths and links that lead out of the folder
        except Exception as error:  # a damaged archive can raise anything
            if isinstance(error, OSError) and error.errno in (*DISK_FULL, errno.EACCES, errno.EROFS):
                raise
            reason = str(error).split("\n")[0].rstrip(":")  # tarfile lists all formats that it tried
            raise ZooError(f"{archive} is damaged, or not safe to unpack ({reason}); nothing was unpacked") from None
        unpacked = Path(temporary, folder.name)
        if not unpacked.is_dir():
            raise ZooError(f"{archive} has no folder {folder.name}; nothing was unpacked")
        try:
            replace(unpacked, folder)
        except OSError:
            if not folder.is_dir():  # else another process unpacked it first
                raise


def fetch_tar(url: str, md5: str, folder: Path) -> None:
    """Unpack a folder from the archive next to it, which is downloaded if absent, unless the folder exists.

    Raises:
        OSError: The archive cannot be downloaded, or the folder cannot be written.
        ZooError: The archive is damaged, or has a path that leads out of the folder.
    """
    if os.path.exists(folder):
        return
    archive = folder.with_name(url.rpartition("/")[2])
    if not os.path.exists(archive):
        if reason := offline_reason([url]):
            raise OSError(reason)
        download([url], archive, md5)
    unpack_tar(archive, folder)
