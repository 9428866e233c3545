"""Are the published weights worth what their records say? Tests each again and prints one table.

    python scripts/verify_weights.py               all of them
    python scripts/verify_weights.py slp mlp       those of these networks

Needs the real data sets under ZOO_DATA or data/.

What a network is worth does not depend on the machine, to the four digits that are compared. Training it again does:
equal seeds give equal weights, bit for bit, on one kind of processor, with one number of threads and one version of
torch.
"""

import argparse
import contextlib
import io
import sys

import zoo
from zoo.commands.cli import main
from zoo.training.versions import versions
from zoo.weights.records import FOLDER

TRAINED_ON = ("torch", "threads", "processor")
"""Of a record's versions: what training again to the same weights takes; older records tell torch's alone."""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *zoo.list_models()], metavar="MODEL")
    models = parser.parse_args().models or zoo.list_models()
    rows, all_equal = [], True
    for model in models:
        for weights in zoo.list_weights(model):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                code = main(["test", "--model", model, "--weights", weights, "--trainer.enable_progress_bar", "false"])
            if code == 2:
                sys.exit(code)
            equal = printed.getvalue().endswith("\nas recorded\n")
            all_equal &= equal
            record = zoo.weights_record(model, weights)
            measured = ", ".join(f"{name} {value:.4f}" for name, value in record.metrics["test"].items())
            size = f"{record.file.stat().st_size / 1e6:.2f} MB"
            trained_on = " · ".join(record.versions.get(name, "?") for name in TRAINED_ON)
            rows.append(
                f"| `{model}` | {weights} | {size} | {measured} | {'equal' if equal else 'NOT equal'} | {trained_on} |"
            )
            print(rows[-1], flush=True)
    print("\n| network | weights | size | test metrics of the record | measured again, every split | trained with |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))
    total = sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file())
    print(f"\n{len(rows)} weights, {total / 1e6:.2f} MB with their records")
    here = versions()
    print(f"measured here with {' · '.join(here[name] for name in TRAINED_ON)} (torch · threads · processor)")
    sys.exit(0 if all_equal else 1)
