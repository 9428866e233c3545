"""``zoo show``: show the figures of a run on the terminal."""

from __future__ import annotations

from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.reports.run_files import figures_of, show_figures
from zoo.support.files import parse_path
from zoo.support.terminal import print_path


def run(request: Request) -> int:
    """Show the figures, print their paths, and return the exit code.

    Raises:
        ZooError: The folder has none.
    """
    folders = request.arguments("run folders")
    if len(folders) != 1:
        raise ZooError("zoo show takes one run folder, such as runs/slp-digits/1")
    folder = parse_path(folders[0], "folder")
    figures = figures_of(folder)
    if not figures:
        raise ZooError(f"{folder} has no figures; give the folder of a finished run, such as runs/slp-digits/1")
    show_figures(figures)
    for path in figures:
        print_path("", path)
    return 0
