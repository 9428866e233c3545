"""``zoo test``: evaluate a trained network on every split of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.commands.options import set_launched
from zoo.commands.parser import make_test_parser, section, trainer_arguments
from zoo.commands.request import Request
from zoo.commands.trained_network import TrainedNetwork, load_trained
from zoo.datamodules.common import DataModule
from zoo.errors import ZooError
from zoo.factory import create_datamodule, datamodule_class
from zoo.internals.lightning import is_first_rank
from zoo.registry import model_row
from zoo.reports.evaluation import format_sizes
from zoo.reports.report import make_report
from zoo.support.console import echo
from zoo.support.tables import format_metrics
from zoo.tasks.compatibility import check_classes, check_fits, check_pair
from zoo.training.check_options import check_evaluation
from zoo.training.trainer import build_trainer, check_trainer_options, quiet, use_threads

_Metrics = Mapping[str, Mapping[str, float] | None]


def run(request: Request) -> int:
    """Evaluate a network on every split of its data, or of other data.

    Returns:
        The exit code: 0, or 1 if the metrics of published weights differ from their record.
    """
    if request.wants_help and request.model:
        make_test_parser(request.program, datamodule_class(request.data or model_row(request.model).data)).print_help()
        return 0
    network = load_trained(request)
    name = request.data or network.data
    if not name:
        raise ZooError(f"{network.source} does not say which data it was trained on; give --data NAME")
    arguments = network.data_arguments if name == network.data else {}
    parser = make_test_parser(request.program, datamodule_class(name))
    parser.set_defaults({f"data.{key}": value for key, value in arguments.items()})
    options = parser.parse_args(request.words)
    check_pair(network.name, type(network.model), name, datamodule_class(name))
    data = create_datamodule(name, **section(options, "data"))
    data.use_transform(network.model.transform)
    data.only_test = not request.gives("--data.test_size") and _is_other_data(network, name, data)
    check_fits(network.model, data)
    check_classes(network.model.classes, data)
    quiet()
    use_threads(network.model, data.batch_size)
    check_trainer_options(vars(options.trainer))
    trainer = build_trainer(trainer_arguments(parser, set_launched(options, request)))
    if is_first_rank():  # the other ranks wait for it in the trainer
        data.prepare_data()
        data.setup()
        check_evaluation(trainer, network.model, data)
    made = make_report(trainer, network.model, data, whole=options.metrics == "all", compare=options.baselines)
    if made is None:  # on another rank
        return 0
    echo(f"{network.name} after {network.steps:,} steps · {name} ({format_sizes(data)})")
    if data.only_test:
        echo("other data than in training: all of it is tested, or its test folder; --data.test_size divides it")
    echo(f"\n{made}")
    whole = options.trainer.limit_test_batches in (None, 1.0) and not options.trainer.fast_dev_run
    if not network.record or not whole or not _is_recorded_data(network, name, section(options, "data")):
        return 0
    if _rounded(made.metrics, network.record.metrics) == _rounded(network.record.metrics, network.record.metrics):
        echo("\nas recorded")
        return 0
    echo(f"\nNOT as recorded:\n\n{format_metrics(network.record.metrics)}")
    return 1


def _is_other_data(network: TrainedNetwork, name: str, data: DataModule) -> bool:
    """Return whether data is the user's own, and not that of the training; older checkpoints do not tell."""
    found = data.compute_checksum()
    return bool(found) and (name != network.data or found != (network.checksum or found))


def _rounded(metrics: _Metrics, record: _Metrics) -> dict[tuple[str, str], float | None]:
    """Return the metrics that a record has, rounded to four decimals, as they are compared with it."""
    return {
        (split, name): round(found[name], 4) if (found := metrics[split]) and name in found else None
        for split, values in record.items()
        for name in values or {}
    }


def _is_recorded_data(network: TrainedNetwork, name: str, arguments: dict[str, Any]) -> bool:
    asked = {key: value for key, value in arguments.items() if key in network.data_arguments}
    return name == network.data and asked == network.data_arguments
