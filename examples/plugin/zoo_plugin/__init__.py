"""A network and a data set for the zoo, found by the entry points in pyproject.toml once the package is installed.

Nothing heavy is imported here. The classes are imported when they are first used.
"""

from zoo.registry import DataRow, ModelRow

NETWORK = ModelRow(
    "zoo_plugin.two_moons_mlp:TwoMoonsMLP", "one hidden layer, for points in the plane", "two_moons", 32, 30
)
DATA = DataRow("zoo_plugin.two_moons:TwoMoons", "points of two half moons, generated", "MIT")
