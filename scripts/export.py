"""Export a network: python scripts/export.py --ckpt FILE --format onnx --out FILE. The same as `zoo export`."""

from zoo.commands.cli import script

if __name__ == "__main__":
    script("export")
