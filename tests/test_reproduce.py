"""scripts/reproduce.py, with one seed and with several."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, stdev
from types import ModuleType

import pytest
from conftest import load_script

HEADER = "| network | data | document | wanted | zoo | seed | verdict |"


@pytest.fixture
def reproduce(shared_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a tiny MNIST and a table of its own."""
    script = load_script("reproduce")
    monkeypatch.setenv("ZOO_DATA", str(shared_root))
    monkeypatch.setattr(script, "TABLE", tmp_path / "reproduction.md")
    monkeypatch.chdir(tmp_path)
    return script


def accuracy(run: Path) -> float:
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    return float(results["metrics"]["test"]["acc"])


def rows(script: ModuleType) -> dict[str, list[str]]:
    table = script.TABLE.read_text(encoding="utf-8").partition(f"{HEADER}\n")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return {name.strip("`"): rest for name, *rest in cells}


def test_several_seeds_are_a_row_with_mean_and_standard_deviation(
    reproduce: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reproduce.main(["mlp", "--out", "alone"]) == 1
    assert reproduce.main(["slp", "--seeds", "0..2", "--out", "several"]) == 1
    reached = [accuracy(tmp_path / "several" / "slp-mnist" / "1" / f"seed-{seed}") for seed in range(3)]
    assert len({*reached}) > 1
    found = rows(reproduce)
    assert found["mlp"][-3:-1] == [f"{accuracy(tmp_path / 'alone' / 'mlp-mnist' / '1'):.4f} test accuracy", "0"]
    text = f"{fmean(reached):.4f} ± {stdev(reached):.4f} test accuracy (n = 3)"
    assert found["slp"][-3:] == [text, "0..2", "NOT reached"]

    assert reproduce.main(["slp", "--seed", "1", "--out", "several"]) == 1
    assert rows(reproduce)["slp"][-3:] == [f"{reached[1]:.4f} test accuracy", "1", "NOT reached"]
    best = reproduce.accuracy(max(reached))
    for low, code, verdict in ((min(reached), 0, "reached"), (max(reached), 1, "NOT reached by ")):
        claim = reproduce.Claim("–", "these", reproduce.accuracy(low), reproduce.NOTHING_HELD_OUT)
        monkeypatch.setitem(reproduce.CLAIMS, "slp", claim)
        assert reproduce.main(["slp", "--seeds", "0..2", "--out", "several"]) == code  # which has them
        missed = sum(not best(tmp_path / "several" / "slp-mnist" / "1" / f"seed-{seed}").reached for seed in range(3))
        assert rows(reproduce)["slp"][-3:] == [text, "0..2", verdict + (f"{missed} of 3" if code else "")]


@pytest.mark.parametrize(
    "words",
    [("--seeds", "4..0"), ("--seeds", "x"), ("--seeds", "0..1", "--seed", "1"), ("--seeds", "0..1", "--tables")],
)
def test_wrong_seeds_are_told(
    words: tuple[str, ...], reproduce: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        reproduce.main(["slp", *words])
    assert ended.value.code == 2
    assert "--seeds" in capsys.readouterr().err
    assert not reproduce.TABLE.exists()


def test_each_number_has_its_spread(reproduce: ModuleType) -> None:
    text = "A {:.2f}, B {:.1f} (made with 2.0)"
    results = [reproduce.Result(text, [a, b], True) for a, b in ((1, 5), (3, 5))]
    assert reproduce.summarize(results[:1]) == "A 1.00, B 5.0 (made with 2.0)"
    assert reproduce.summarize(results) == "A 2.00 ± 1.41, B 5.0 ± 0.0 (made with 2.0) (n = 2)"


def test_xor_is_not_required_of_every_seed(
    reproduce: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce, "SEEDS", 1)
    for seed, share, solved in ((0, 0.75, False), (0, 1.0, True), (3, 0.75, True)):
        results = {"seed": seed, "metrics": {"test": {"acc": share}}}
        (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
        result = reproduce.all_rows(tmp_path)
        assert (result.numbers, result.reached) == ([share], solved)
