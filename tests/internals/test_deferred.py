"""Packages that are imported when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo.internals.deferred import deferred

INNER = """
def double(x):
    return 2 * x

class Base:
    def answer(self):
        return 42
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package that tells when it is imported."""
    name = "imported_late"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("print('imported')\nanswer = {'x': 42}\n", encoding="utf-8")
    (tmp_path / name / "inner.py").write_text(INNER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


def test_a_package_is_imported_when_it_is_used(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    with deferred(package):
        import imported_late  # type: ignore[import-not-found]
        from imported_late.inner import double  # type: ignore[import-not-found]

        answer = imported_late.answer
    assert package not in sys.modules
    assert capsys.readouterr().out == ""
    assert double(4) == 8
    assert capsys.readouterr().out == "imported\n"
    assert answer.get("x") == 42
    import imported_late as real

    assert real.answer == {"x": 42}
    assert capsys.readouterr().out == ""


def test_a_package_that_is_used_at_once_is_imported_at_once(package: str, capsys: pytest.CaptureFixture[str]) -> None:
    with deferred(package):
        from imported_late.inner import double

        assert double(4) == 8
        import imported_late

        assert imported_late.answer == {"x": 42}
    assert package in sys.modules
    assert capsys.readouterr().out == "imported\n"


def test_a_class_may_have_heirs_and_instances(package: str) -> None:
    with deferred(package):
        from imported_late.inner import Base

        class Heir(Base):  # such as the data sets of other packages
            pass

    assert isinstance(Heir(), Base)
    assert issubclass(Heir, Base)
    assert Heir().answer() == 42


def test_what_is_imported_already_stays(package: str) -> None:
    import imported_late

    with deferred(package):
        import imported_late as again
    assert again is imported_late is sys.modules[package]


def test_a_command_leaves_them_out_and_torchmetrics_can_use_them() -> None:
    code = """if True:
        import sys
        from zoo.commands.cli import main
        assert main(["predict", "--model", "linear", "--weights", "default", "4,1"]) == 0
        import lightning.pytorch, torch
        assert not {"scipy", "torchvision"} & set(sys.modules)
        from torchmetrics.functional.detection import intersection_over_union
        from torchmetrics.functional.audio import permutation_invariant_training, scale_invariant_signal_noise_ratio
        box, half = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 1]])
        assert intersection_over_union(box, half) == 0.5
        noise = torch.randn(1, 4, 100)
        permutation_invariant_training(noise, noise, scale_invariant_signal_noise_ratio, eval_func="max")
        assert {"scipy", "torchvision"} <= set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)
