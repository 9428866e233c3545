"""The zoo as a library: names, lists, what is imported when."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import load_script
from lightning.pytorch import LightningDataModule, LightningModule, Trainer

import zoo
from zoo.factory import model_class
from zoo.registry import MODELS


def test_lists_are_sorted_and_take_patterns() -> None:
    assert zoo.list_models() == sorted(MODELS)
    assert zoo.list_models("*lp") == ["mlp", "slp"]
    assert zoo.list_models("nothing*") == []
    assert zoo.list_datamodules("mn*") == ["mnist"]


@pytest.mark.parametrize("name", zoo.list_models())
def test_models_are_built_by_name_and_imported_by_class(name: str) -> None:
    model = zoo.create_model(name)
    assert isinstance(model, LightningModule)
    assert getattr(zoo.models, type(model).__name__) is type(model) is model_class(name)
    assert type(model).__name__ in zoo.models.__all__


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_datamodules_are_built_by_name_and_imported_by_class(name: str) -> None:
    data = zoo.create_datamodule(name)
    assert isinstance(data, LightningDataModule)
    assert getattr(zoo.datamodules, type(data).__name__) is type(data)
    assert type(data).__name__ in zoo.datamodules.__all__


def test_the_stubs_are_those_of_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_script("stubs").main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("package", [zoo.models, zoo.datamodules])
def test_a_package_shows_at_runtime_what_its_stub_shows(package: Any) -> None:
    stub = ast.parse(Path(package.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imported = [alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    listed = next(ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(imported) == listed == package.__all__ == dir(package)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.create_model("slpp"), "unknown model 'slpp'; did you mean 'slp'?"),
        (lambda: zoo.create_datamodule("minst"), "unknown data set 'minst'; did you mean 'mnist'?"),
        (lambda: zoo.create_model("mlp", hiden_dim=3), "takes no argument 'hiden_dim'; did you mean 'hidden_dim'?"),
        (lambda: zoo.create_datamodule("mnist", batchsize=3), "did you mean 'batch_size'?"),
        (lambda: zoo.create_model("zzz"), "the zoo has"),
    ],
)
def test_unknown_names_raise_with_a_suggestion(call: object, message: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        call()  # type: ignore[operator]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_attributes_are_attribute_errors() -> None:
    for module in (zoo, zoo.models, zoo.datamodules):
        with pytest.raises(AttributeError, match="Nothing"):
            _ = module.Nothing
        assert set(module.__all__) <= set(dir(module))


def test_listing_imports_nothing_heavy() -> None:
    listing = "zoo.list_models(); dir(zoo.models); zoo.datamodules.__all__"
    code = f"import sys, zoo; {listing}; print({{'torch', 'lightning', 'numpy', 'yaml'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_importing_one_network_does_not_import_another() -> None:
    code = "import sys; from zoo.models import SLP; print([n for n in sys.modules if n.startswith('zoo.models.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['zoo.models.slp']\n"


def test_importing_a_network_adds_nothing_heavy_to_lightning() -> None:
    """Lightning imports torchmetrics, and that matplotlib and parts of torchvision where they are installed."""
    code = (
        "import sys, lightning.pytorch\n"
        "packages = lambda: {name.partition('.')[0] for name in sys.modules}\n"
        "before = packages()\n"
        "from zoo.models import MLP\n"
        "MLP()\n"
        "print(sorted(packages() - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['zoo']\n"


def test_import_changes_no_warning_filter_and_no_logger() -> None:
    code = (
        "import warnings, logging, lightning.pytorch, torchmetrics, torchvision\n"
        "before = list(warnings.filters), logging.getLogger('lightning.pytorch').level\n"
        "import zoo; zoo.create_model('slp'); zoo.create_datamodule('mnist')\n"
        "assert before == (list(warnings.filters), logging.getLogger('lightning.pytorch').level)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plain_trainer_fits_the_default_pair(shared_root: object) -> None:
    trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.fit(zoo.create_model("slp"), zoo.create_datamodule("mnist", root=str(shared_root), val_size=50))
    assert {"train/loss", "train/acc", "val/loss", "val/acc"} <= set(trainer.callback_metrics)
