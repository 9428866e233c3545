"""The network, of which there is none: loopback stands in for it."""

from __future__ import annotations

import functools
import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TEST
from data_files import SMALL, pack

import zoo
from zoo.datamodules.common import files
from zoo.datamodules.common.files import offline_reason  # what it was before the tests cut the network off


def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        started = time.monotonic()
        reason = offline_reason([f"http://127.0.0.1:{deaf.getsockname()[1]}/"], seconds=0.5)
        assert reason
        assert time.monotonic() - started < 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback, and the folder that it serves."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}/", folder
        httpd.shutdown()


def test_absent_data_is_downloaded_checked_and_unpacked(
    server: tuple[str, Path], mnist_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, served = server
    pack(mnist_folder)
    resources = []
    for path in mnist_folder.iterdir():
        content = path.read_bytes()
        (served / path.name).write_bytes(content)
        resources.append((path.name, hashlib.md5(content).hexdigest()))
    monkeypatch.setattr("zoo.datamodules.mnist.offline_reason", offline_reason)
    monkeypatch.setattr(zoo.datamodules.MNIST.source, "mirrors", [f"{url}gone/", url])
    monkeypatch.setattr(zoo.datamodules.MNIST.source, "resources", resources)
    data = zoo.create_datamodule("mnist", root=str(tmp_path / "fresh"), **SMALL)
    data.prepare_data()
    data.setup()
    assert len(data.splits["test"]) == TEST
    assert not list((tmp_path / "fresh" / "MNIST" / "raw").glob(".*"))


def test_a_download_with_another_checksum_is_thrown_away(server: tuple[str, Path], tmp_path: Path) -> None:
    url, served = server
    (served / "file").write_bytes(b"not what was asked for")
    with pytest.raises(OSError, match="cannot download file"):
        files.download([f"{url}file"], tmp_path / "target" / "file", "0" * 32)
    assert not list((tmp_path / "target").iterdir())
