"""Label pictures: python scripts/predict.py --ckpt FILE image.png. The same as `zoo predict`."""

from zoo.commands.cli import script

if __name__ == "__main__":
    script("predict")
