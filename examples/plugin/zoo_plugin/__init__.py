"""A network and a data set for the zoo: pyproject.toml names these rows, and the zoo finds them once it is installed.

Nothing heavy is imported here; the classes are imported when they are asked for.
"""

from zoo.registry import DataRow, ModelRow

NETWORK = ModelRow(
    "zoo_plugin.two_moons_mlp:TwoMoonsMLP", "one hidden layer, for points in the plane", "two_moons", 32, 30
)
DATA = DataRow("zoo_plugin.two_moons:TwoMoons", "two half moons of points, made on the spot", "MIT")
