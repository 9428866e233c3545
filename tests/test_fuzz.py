"""Whatever is asked, and whatever the files hold: a run, or one line that says what is wrong."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from conftest import write_mnist
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_datasets import write_celeba, write_cifar, write_imdb

import zoo
from zoo.commands.cli import main
from zoo.commands.parser import fit_parser
from zoo.factory import datamodule_class, model_class

VALUES = [
    *("0", "1", "-1", "2", "3.5", "1e-9", "1e30", "-0.1", "nan", "inf", "99999999999999999999"),
    *("", " ", "null", "true", "false", "abc", "last", "runs", "[]", "[1, 2]", "{}", "{a: 1}", "{momentum: 0.9}"),
    *(
        "SGD",
        "StepLR",
        "mse",
        "mnist",
        "slp",
        "../x",
        "é ☃",
        "a\nb",
        "!!python/name:os.system",
        "--seed",
        "=",
        "'",
        "{",
    ),
]

NOT_HERE = {
    *("--trainer.devices", "--trainer.num_nodes", "--trainer.strategy", "--trainer.accelerator"),  # start processes
    *("--trainer.plugins", "--trainer.profiler", "--trainer.barebones", "--trainer.max_time"),
    *("--trainer.callbacks", "--trainer.logger", "--print_config", "--data.root"),
}

PAIRS = [("slp", "digits"), ("ffnn", "digits"), ("linear", "quadratic"), ("custom_function", "custom_function")]

OPTIONS = sorted(
    {
        option
        for name, data in PAIRS
        for option in fit_parser("zoo fit", model_class(name), datamodule_class(data)).options()
    }
    - NOT_HERE
)

MANY = int(os.environ.get("ZOO_FUZZ", 0))
"""How many examples to try, new ones each time, rather than a few that are always the same."""

often = settings(
    max_examples=MANY or 60,
    deadline=None,
    derandomize=not MANY,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
seldom = settings(often, max_examples=MANY or 30)
"""For what trains a network each time."""


def check(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command line; anything but a run or a one-line error fails, an exception with its traceback."""
    capsys.readouterr()
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    err = capsys.readouterr().err
    assert code in (0, 1, 2), (words, code)
    assert "Traceback" not in err, words
    errors = [line for line in err.splitlines() if line.startswith("zoo: error: ")]
    assert len(errors) == (1 if code == 2 else 0), (words, err)


pairs = st.lists(st.tuples(st.sampled_from(OPTIONS), st.sampled_from(VALUES)), min_size=1, max_size=2)


@seldom
@given(pair=st.sampled_from(PAIRS), chosen=pairs)
def test_options_of_fit(
    pair: tuple[str, str], chosen: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    network, data = pair
    shutil.rmtree("runs", ignore_errors=True)
    words = [word for pair in chosen for word in pair]
    held_out = "60" if data == "digits" else "3"
    short = ["--trainer.max_steps", "3", "--trainer.enable_model_summary", "false", "--data.val_size", held_out]
    given_options = {option for option, _ in chosen}
    short = [w for a, b in zip(short[::2], short[1::2], strict=True) if a not in given_options for w in (a, b)]
    if given_options & {"--trainer.max_steps", "--trainer.max_epochs", "--trainer.min_epochs", "--trainer.min_steps"}:
        words += ["--trainer.fast_dev_run", "true"]
    check(["fit", network, "--data", data, *words, *short], capsys)


@often
@given(
    command=st.sampled_from(["fit", "test", "predict", "export", "list", "describe", "nothing"]),
    words=st.lists(
        st.one_of(
            st.sampled_from(
                ["--model", "--data", "--ckpt", "--weights", "--config", "--format", "--out", "slp", "mnist"]
            ),
            st.sampled_from(VALUES),
            st.text(max_size=8),
        ),
        max_size=5,
    ),
)
def test_words_of_any_command(command: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if command == "fit" and "slp" in words:
        words = [*words, "--data", "mnist"]  # which is not there: no run takes long
    check([command, *words], capsys)


damage = st.tuples(
    st.integers(0, 10**6), st.sampled_from(["cut", "flip", "zero", "insert", "random"]), st.binary(max_size=40)
)


def damaged(content: bytes, how: tuple[int, str, bytes]) -> bytes:
    """Return a file's content with something done to it."""
    place, kind, noise = how[0] % (len(content) + 1), how[1], how[2]
    if place % 3 == 0:
        place = min(place, 64 * (place % 7) // 6)  # headers are short, and matter most
    match kind:
        case "cut":
            return content[:place]
        case "flip":
            return content[:place] + bytes(255 - byte for byte in content[place : place + 1]) + content[place + 1 :]
        case "zero":
            return content[:place] + bytes(len(noise)) + content[place + len(noise) :]
        case "insert":
            return content[:place] + noise + content[place:]
    return noise


def read(name: str, root: Path, **arguments: int) -> None:
    """Read a data set; a ZooError of one line is well, everything else that is raised is not."""
    problem = ""
    try:
        data = zoo.create_datamodule(name, root=str(root), val_size=4, **arguments)
        data.prepare_data()
        data.setup()
        for loader in (data.train_dataloader(), data.test_dataloader()):
            for x, _ in loader:
                assert len(x)
    except zoo.ZooError as error:
        problem = str(error)
    assert "\n" not in problem


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("originals")
    raw = write_mnist(root)
    for path in list(raw.iterdir()):
        (root / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    write_cifar(root)
    write_celeba(root)
    with tarfile.open(root / "aclImdb_v1.tar.gz", "w:gz") as tar:
        tar.add(write_imdb(root / "imdb"), "aclImdb")
    return root


IDX = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


@often
@given(name=st.sampled_from(IDX), packed=st.booleans(), how=damage)
def test_damaged_mnist(name: str, packed: bool, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "MNIST", root / "MNIST")
    target = root / "MNIST" / "raw" / name
    if packed:
        target.unlink()
        target.with_name(f"{name}.gz").write_bytes(damaged((originals / f"{name}.gz").read_bytes(), how))
    else:
        target.write_bytes(damaged(target.read_bytes(), how))
    read("mnist", root)


@often
@given(name=st.sampled_from(["data_batch_1", "data_batch_4", "test_batch"]), how=damage)
def test_damaged_cifar10(name: str, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "cifar-10-batches-py", root / "cifar-10-batches-py")
    target = root / "cifar-10-batches-py" / name
    target.write_bytes(damaged(target.read_bytes(), how))
    read("cifar10", root)


@often
@given(how=damage)
def test_damaged_archive_of_reviews(how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "aclImdb_v1.tar.gz").write_bytes(damaged((originals / "aclImdb_v1.tar.gz").read_bytes(), how))
    read("imdb", root)


@often
@given(how=damage, name=st.sampled_from(["list_attr_celeba.txt", "list_eval_partition.txt", "000002.jpg"]))
def test_damaged_celeba(name: str, how: tuple[int, str, bytes], originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "celeba", root / "celeba")
    target = root / "celeba" / ("img_align_celeba" if name.endswith(".jpg") else "") / name
    target.write_bytes(damaged(target.read_bytes(), how))
    read("celeba", root, num_workers=0, image_size=8)


@often
@given(how=damage, cache=st.booleans())
def test_damaged_reviews(how: tuple[int, str, bytes], cache: bool, originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(originals / "imdb", root)
    if cache:
        read("imdb", root)
    target = next(root.glob(".imdb-*")) if cache else root / "aclImdb" / "train" / "pos" / "1_5.txt"
    target.write_bytes(damaged(target.read_bytes(), how))
    read("imdb", root)


@seldom
@given(how=damage, which=st.sampled_from(["last.ckpt", "config.yaml", "results.json", "metrics.csv"]))
def test_damaged_run_folders(
    how: tuple[int, str, bytes],
    which: str,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = Path("whole")
    if not whole.exists():
        assert main(["fit", "slp", "--data", "digits", "--out", "whole", "--trainer.max_epochs", "1"]) == 0
    shutil.rmtree("runs", ignore_errors=True)
    shutil.copytree(whole, "runs")
    (target,) = Path("runs").rglob(which)
    target.write_bytes(damaged(target.read_bytes(), how))
    if which == "last.ckpt":
        check(["predict", "--ckpt", str(target), "nothing.png"], capsys)
    if which == "results.json":
        check(["fit", "slp", "--data", "digits", "--ckpt_path", "last"], capsys)
    short = [
        "--trainer.max_epochs",
        "2",
        "--trainer.limit_train_batches",
        "2",
        "--trainer.enable_model_summary",
        "false",
    ]
    check(["fit", "slp", "--data", "digits", "--ckpt_path", "last", *short], capsys)
