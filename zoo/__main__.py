"""``python -m zoo``: the same as ``zoo``."""

from zoo.commands.cli import process

if __name__ == "__main__":
    process(program="python -m zoo COMMAND")
