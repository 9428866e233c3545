"""``zoo prepare``, and what it, ``zoo results`` and ``zoo compare`` do not take."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["results", "nowhere"], "nowhere is not a directory"),
        (["results", "."], "no results.json found in ."),
        (["results", "--csv"], "--csv needs a value"),
        (["results", "--table"], "zoo results takes folders and --sort, --where, --csv, not --table"),
        (["results", "--where", "--sort"], "--where needs a value"),
        (["results", "--sort", "seed", "--sort=run"], "--sort is given twice: seed and run"),
        (["compare"], "give two or more different runs, such as runs/slp-digits/1 runs/slp-digits/2"),
        (["compare", "x", "./x"], "give two or more different runs"),
        (["compare", "x", "y"], "x is not a run folder, it does not exist"),
        (["compare", "x", "y", "--csv", "z"], "zoo compare takes run folders and --out, not --csv"),
        (["prepare"], "give the data sets to download: celeba"),
        (["prepare", "minst"], "did you mean 'mnist'?"),
        (["prepare", "mnist"], "MNIST is not in"),
        (["prepare", "--root", "x", "--force"], "not --force"),
    ],
)
def test_bad_requests_are_one_line(words: list[str], message: str, zoo_command: Command) -> None:
    done = zoo_command(*words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_data_are_prepared_beforehand(zoo_command: Command, mnist_folder: Path) -> None:
    import gzip

    for path in list(mnist_folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    done = zoo_command("prepare", "digits", "mnist", "--root", mnist_folder.parents[1])
    assert "digits: 1,257 train, 180 val, 360 test" in done.out
    assert (mnist_folder / "train-images-idx3-ubyte").exists()
    # Its default of 5,000 held out is more than this tiny set has: what cannot be used is told beforehand, too.
    assert done.code == 2
    assert "leaves nothing to train on: the training set has 301 examples" in done.err
