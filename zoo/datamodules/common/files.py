"""Data files: where they are, how they get there whole, and how they are read with their faults named."""

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
from zoo.support.files import DISK_FULL, atomic_write, open_file, parse_path, read_bytes

SECONDS_TO_CONNECT = 8.0
SECONDS_OF_SILENCE = 30.0


def data_root(root: str | None) -> Path:
    """Return the folder of the data sets: ``root``, else the environment's ``ZOO_DATA``, else ``data``.

    Raises:
        ZooError: There can be no such folder.
    """
    return parse_path(root, "--data.root") if root else parse_path(os.environ.get("ZOO_DATA") or "data", "ZOO_DATA")


def offline_reason(urls: Sequence[str], seconds: float = SECONDS_TO_CONNECT) -> str | None:
    """Return why none of these servers can be reached, or None when one answers; in ``seconds`` at most."""
    reasons: dict[str, str] = {}
    online = threading.Event()

    def ask(url: str) -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # it refused the request, so it is there
        except (OSError, http.client.HTTPException) as error:
            reasons[url] = str(getattr(error, "reason", error))
            return
        online.set()

    # Threads, since nothing else bounds the time that looking up a name can take.
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
    """Fetch a file from the first server that gives it, with the right checksum, whole or not at all.

    Raises:
        OSError: No server gave it, or the disk cannot hold it.
    """
    from torchvision.datasets.utils import download_url

    target.parent.mkdir(parents=True, exist_ok=True)
    socket_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_OF_SILENCE)  # torchvision sets none, and would wait for ever
    try:
        for url in urls:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
                try:
                    download_url(url, folder, target.name, md5)
                except (RuntimeError, OSError, http.client.HTTPException) as error:  # RuntimeError: another checksum
                    failure = error
                    continue
                os.replace(Path(folder, target.name), target)
                return
        raise OSError(f"cannot download {target.name}: {failure}")
    finally:
        socket.setdefaulttimeout(socket_timeout)


def read_text(path: Path, most: int = 100_000_000) -> str:
    """Read a text file in UTF-8, of at most so many bytes.

    Raises:
        ZooError: It cannot be read, or is no such text.
    """
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError:
        raise ZooError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}") from None


def unpack_gz(archive: Path, target: Path) -> None:
    """Unpack a ``.gz`` file, whole or not at all.

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
    """Read a file of bytes in the IDX format, in which MNIST is published.

    Args:
        path: The file.
        dimensions: Number of dimensions that it must have: 3 for images, 1 for labels.

    Returns:
        A uint8 tensor of the shape that the file states.

    Raises:
        ZooError: The file is not of this format, or is incomplete.
    """
    with open_file(path) as file:
        content = np.fromfile(file, np.uint8)
    start = 4 + 4 * dimensions
    if content[:4].tobytes() != b"\0\0\x08" + bytes([dimensions]) or len(content) < start:
        raise ZooError(f"{path} is not an IDX file of {dimensions}-dimensional bytes; delete it to have it made again")
    shape = content[4:start].view(">u4").tolist()
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise ZooError(
            f"{path} is damaged: {len(content)} bytes, expected {expected} for shape {shape}; "
            "delete it to have it made again"
        )
    return torch.from_numpy(content[start:]).reshape(shape)


def unpack_tar(archive: Path, folder: Path) -> None:
    """Unpack the one top folder of a tar archive to ``folder``, whole or not at all.

    Raises:
        ZooError: The archive is damaged, or a path in it leaves the folder.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as temporary:
        try:
            with open_file(archive) as file, tarfile.open(fileobj=file) as tar:
                tar.extractall(temporary, filter="data")  # refuses paths and links that lead out
        except Exception as error:  # what a damaged archive asks for can raise anything
            if isinstance(error, OSError) and error.errno in (*DISK_FULL, errno.EACCES, errno.EROFS):
                raise
            reason = str(error).split("\n")[0].rstrip(":")  # tarfile lists every format that it tried
            raise ZooError(f"{archive} is damaged, or not safe to unpack ({reason}); nothing was unpacked") from None
        unpacked = Path(temporary, folder.name)
        if not unpacked.is_dir():
            raise ZooError(f"{archive} has no folder {folder.name}; nothing was unpacked")
        try:
            os.replace(unpacked, folder)
        except OSError:
            if not folder.is_dir():  # else another process, which unpacked the same, was there first
                raise


def fetch_tar(url: str, md5: str, folder: Path) -> None:
    """Make sure that a folder is there: else unpack it from its archive, beside it, which is downloaded if need be.

    Raises:
        OSError: It is absent and cannot be downloaded, or cannot be written.
        ZooError: The archive is damaged, or a path in it leaves the folder.
    """
    if os.path.exists(folder):
        return
    archive = folder.with_name(url.rpartition("/")[2])
    if not os.path.exists(archive):
        if reason := offline_reason([url]):
            raise OSError(reason)
        download([url], archive, md5)
    unpack_tar(archive, folder)
