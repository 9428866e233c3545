"""Train a network: python scripts/fit.py --model slp. The same as `zoo fit`."""

from zoo.commands.cli import script

if __name__ == "__main__":
    script("fit")
