"""``zoo export``: write a network in a format that other programs run."""

from __future__ import annotations

from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.errors import ZooError, suggestion
from zoo.sharing.formats import FORMATS, export
from zoo.support.console import echo
from zoo.support.files import atomic_write, check_not_input, parse_path

LARGEST_DIFFERENCE = 1e-4
"""Of an output from PyTorch's."""


def run(request: Request) -> int:
    """Export a network and return the exit code.

    Raises:
        ZooError: Something is missing or unknown, or the outputs differ from PyTorch's; then nothing is written.
    """
    if request.words:
        raise ZooError(f"unknown option {request.words[0][:80]}; zoo export --help shows what there is")
    if not request.format or request.format not in FORMATS:
        hint = suggestion(request.format or "", FORMATS)
        raise ZooError(f"give a format with --format {' or '.join(FORMATS)}{hint}")
    if not request.out:
        raise ZooError("give the file to write with --out FILE")
    out = parse_path(request.out, "--out")
    if out.is_dir():
        raise ZooError(f"{out} is a directory; give the name of a file in it")
    check_not_input(out, "--out", filter(None, [request.ckpt]))
    network = load_trained(request)
    try:
        with atomic_write(out) as temporary:
            difference = export(network.name, network.model, request.format, temporary)
            echo(f"largest difference from PyTorch: {difference:.1e}")
            if not difference <= LARGEST_DIFFERENCE:
                raise ZooError(f"that is more than {LARGEST_DIFFERENCE:.0e}: nothing was written")
    except OSError as error:
        raise ZooError(f"{out} cannot be written ({error.strerror or error})") from None
    echo(f"{network.source} is in {out}, {out.stat().st_size:,} bytes; its outputs are {network.model.output}")
    return 0
