"""Files that are open elsewhere, and paths and texts as they are on Windows."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from running import DIGITS_ON_CPU

import zoo
from zoo.datamodules.common.files import read_text
from zoo.support import console, files
from zoo.training.run_folder import claim_folder, runs_folder


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Let renaming files to a name fail, as on Windows while another program has the file open."""
    left, whole = [times], os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == name and left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(source), None, str(target))
        whole(source, target)

    monkeypatch.setattr(os, "replace", replace)


def test_a_file_that_is_open_for_a_moment_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    refuse(monkeypatch, "a", 3)
    with files.atomic_write(target, durable=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path, zoo_command: Command) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ["predict", "--model", "linear", "--weights", "default", "4,1", "--out", tmp_path / "pipe"]
    done = zoo_command(*words)
    assert done.code == 2
    assert "is a device or a pipe" in done.err
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_that_stays_open_is_told_in_one_line(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SECONDS_OPEN", 0.2)
    refuse(monkeypatch, "results.json", -1)
    done = zoo_command("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_steps", 1)
    folder = Path("runs", "slp-digits", "1")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert f"zoo: error: Access is denied: {folder / 'results.json'}; close it in other programs" in done.err
    assert not list(folder.rglob("*.writing-*"))


@pytest.mark.parametrize("path", ["C://Users/x", "C:\\x", "C:x", "a\\b", "C:/x"])
def test_paths_of_windows_are_no_urls(path: str) -> None:
    assert files.parse_path(path, "--out") == Path(path)


@pytest.mark.parametrize("url", ["http://x/y", "s3://x", "file:///x"])
def test_urls_are_no_paths(url: str) -> None:
    with pytest.raises(zoo.ZooError, match="is a URL"):
        files.parse_path(url, "--out")


@pytest.mark.skipif(os.name != "nt", reason="names of Windows")
@pytest.mark.parametrize("name", ["a\\b", "C:x", "C:\\x", "a/b"])
def test_the_name_of_a_run_is_no_path(name: str) -> None:
    with pytest.raises(zoo.ZooError, match="the name of one folder"):
        runs_folder("runs", name)


def test_a_run_folder_whose_path_is_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.mkdir

    def mkdir(self: Path, *options: Any, **named: Any) -> None:
        if self.name == "1":  # as Windows does, from 248 characters on
            raise FileNotFoundError(errno.ENOENT, "The system cannot find the path specified", str(self))
        whole(self, *options, **named)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(zoo.ZooError, match="cannot find the path"), claim_folder(tmp_path / "long", None):
        pass


def test_the_mark_of_editors_on_windows_is_no_text(tmp_path: Path, zoo_command: Command) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("0,1\r\n", encoding="utf-8-sig", newline="")
    assert read_text(path) == "0,1\r\n"
    done = zoo_command("predict", "--model", "xor", "--weights", "default", path)
    assert done.code == 0, done.err
    config = tmp_path / "config.yaml"
    config.write_text("model: {name: xor}\r\nseed: 5\r\n", encoding="utf-8-sig", newline="")
    done = zoo_command("fit", "--config", config, "--print_config")
    assert done.code == 0, done.err
    assert "seed: 5" in done.out


def test_a_command_is_quoted_for_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--config", "my runs\\1", "--out", "a\\b"]
    assert console.command_line(words) == "--config 'my runs\\1' --out 'a\\b'"
    monkeypatch.setattr(console.os, "name", "nt")
    assert console.command_line(words) == '--config "my runs\\1" --out a\\b'
