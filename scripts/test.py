"""Evaluate a checkpoint: python scripts/test.py --ckpt FILE. The same as `zoo test`."""

from zoo.commands.cli import script

if __name__ == "__main__":
    script("test")
