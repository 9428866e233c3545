"""Networks and data sets of other packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATIENCE, REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed in it."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(REPOSITORY / "examples" / "plugin", source)
    shutil.copytree(source / "zoo_plugin", folder / "zoo_plugin")
    write_metadata(folder, "zoo-plugin-example", (source / "pyproject.toml").read_text(encoding="utf-8"))
    return folder


def write_metadata(folder: Path, name: str, pyproject: str) -> None:
    """Write what pip writes of a package's entry points; building it would need a network."""
    import tomllib

    metadata = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n", encoding="utf-8")
    lines = []
    for group, points in tomllib.loads(pyproject)["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{REPOSITORY}"}
    return subprocess.run(
        [sys.executable, "-m", "zoo", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_an_installed_package_adds_to_the_zoo(site: Path, tmp_path: Path) -> None:
    checkpoint = "runs/two_moons_mlp-two_moons/1/checkpoints/best.ckpt"
    commands = [
        ["list", "--names"],
        ["describe", "two_moons_mlp"],
        ["fit", "two_moons_mlp", "--trainer.max_epochs", "5"],
        ["test", "--ckpt", checkpoint],
        ["predict", "--ckpt", checkpoint, "0,1", "1,-0.5"],
        ["export", "--ckpt", checkpoint, "--format", "pt2", "--out", "m.pt2"],
        ["fit", "convnet", "--data", "two_moons"],
    ]
    code = f"from zoo.commands.cli import main\nfor words in {commands}: print('exit', main(words))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=True,
    )
    listed, described, _, _, said, exported, _, _ = done.stdout.split("exit ")
    assert [part[0] for part in done.stdout.split("exit ")[1:]] == ["0"] * 6 + ["2"], done.stderr
    assert "two_moons_mlp" in listed.split()
    assert "--data two_moons" in described
    assert [line.split()[1] for line in said.splitlines()[1:]] == ["upper", "lower"]
    assert "m.pt2" in exported
    assert "cannot be trained on 'two_moons'" in done.stderr


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("raise RuntimeError('it is\\nbroken')", "zoo.models 'theirs' of broken cannot be loaded: it is broken"),
        ("import nothing_of_this_name", "cannot be loaded: No module named 'nothing_of_this_name'"),
        ("", "cannot be loaded: module 'broken' has no attribute 'ROW'"),
        ("ROW = 3", "zoo.models 'theirs' of broken is not a ModelRow: broken:ROW"),
    ],
)
def test_a_broken_package_is_named_and_breaks_nothing(code: str, warning: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(code, encoding="utf-8")
    write_metadata(tmp_path, "broken", '[project.entry-points."zoo.models"]\ntheirs = "broken:ROW"')
    done = run(tmp_path, tmp_path, "list", "--names")
    assert done.returncode == 0
    assert "slp" in done.stdout.split()
    assert "theirs" not in done.stdout
    assert warning in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_name_that_is_taken_stays_the_zoos(tmp_path: Path) -> None:
    (tmp_path / "clash.py").write_text(
        "from zoo.registry import ModelRow\nROW = ModelRow('clash:Net', 'x', 'xor', 1, 1)",
        encoding="utf-8",
    )
    write_metadata(tmp_path, "clash", '[project.entry-points."zoo.models"]\nslp = "clash:ROW"')
    done = run(tmp_path, tmp_path, "describe", "slp")
    assert "zoo: zoo.models of clash is ignored: the name 'slp' is already taken" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Single-layer perceptron" in done.stdout
