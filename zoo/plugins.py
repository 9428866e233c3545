"""Plugins: networks and data sets of other packages, in the entry points ``zoo.models`` and ``zoo.datamodules``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

from zoo.support.console import escape_control, one_line

Row = TypeVar("Row")

logger = logging.getLogger(__name__)


def with_plugins(own: Mapping[str, Row], group: str, kind: type[Row]) -> dict[str, Row]:
    """Return the zoo's own rows and those of installed packages. Logs a warning for each that cannot be used.

    Args:
        own: The zoo's own rows, by name.
        group: Group of the entry points, each of which refers to a row: ``toy = "package.module:ROW"``.
        kind: Class of the rows.
    """
    rows = dict(own)
    for point in entry_points(group=group):
        package = point.dist.name if point.dist else "a package"
        if point.name in rows:
            logger.warning("zoo: %s of %s is ignored: the name %r is already taken", group, package, point.name)
            continue
        try:
            row = point.load()
        except Exception as error:  # a broken plugin must not break the zoo
            reason = escape_control(one_line(error))
            logger.warning("zoo: %s %r of %s cannot be loaded: %s", group, point.name, package, reason)
            continue
        if isinstance(row, kind):
            rows[point.name] = row
        else:
            logger.warning("zoo: %s %r of %s is not a %s: %s", group, point.name, package, kind.__name__, point.value)
    return rows
