"""Whatever is asked, and whatever the paths: a run, or one line that says what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fuzzing import check, often, quiet, seldom, timely
from hypothesis import given
from hypothesis import strategies as st
from test_strangers import COMMANDS, write_run

from zoo.commands.parser import make_fit_parser
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
    "--jobs",
    *("--trainer.plugins", "--trainer.profiler", "--trainer.barebones", "--trainer.max_time"),
    *("--trainer.callbacks", "--trainer.logger", "--print_config", "--data.root"),
}

PAIRS = [("slp", "digits"), ("ffnn", "digits"), ("linear", "quadratic"), ("custom_function", "custom_function")]

OPTIONS = sorted(
    {
        option
        for name, data in PAIRS
        for option in make_fit_parser("zoo fit", model_class(name), datamodule_class(data)).options()
    }
    - NOT_HERE
)

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


names = st.text(st.sampled_from("ab ~.é☃\x00\x1b\n\x85\u2028\udcff\u202e:*&!{[-'\"#%=\\"), max_size=12)

paths = st.lists(names | st.just("x" * 300), min_size=1, max_size=4).map("/".join)


@often
@given(
    path=paths.filter(lambda path: not path.startswith("/") and ".." not in path), command=st.sampled_from([*COMMANDS])
)
def test_paths_of_any_kind(path: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("good").exists():
        write_run(Path("good/a/1"))
    words = COMMANDS[command](path)
    timely([*words, *quiet()] if words[0] == "fit" else words, capsys)
