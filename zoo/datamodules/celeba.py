"""CelebA, in the files of torchvision. Its pictures are read from disk batch by batch."""

from __future__ import annotations

import os
from typing import cast

import torch

from zoo.datamodules.common.augmentation import Augmentation
from zoo.datamodules.common.base import DataUnavailableError
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.files import data_root, read_text
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule
from zoo.datamodules.common.picture_files import PictureFiles
from zoo.datamodules.common.splitting import count_of
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.transforms import Photo, Transform

ATTRIBUTES = """
5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair Blurry
Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male
Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks
Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace
Wearing_Necktie Young
"""


class CelebA(ImageDataModule):
    """Photos of faces with 40 yes-or-no attributes: 162,770 for training, 19,867 for validation, 19,962 for testing.

    Source: Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild". Read from ``ROOT/celeba``, as with
    torchvision: ``img_align_celeba/``, ``list_attr_celeba.txt``, ``list_eval_partition.txt``. Its publisher does not
    allow automatic downloads.

    Input: ``(batch, 3, image_size, image_size)``, floats in 0 to 1. Target: ``(batch, 40)``, 0 or 1.

    Args:
        root: Folder of the data sets. Default: the environment variable ``ZOO_DATA``, or else ``data``.
        image_size: Width and height to which the middle square of a photo is scaled, in pixels.
        num_workers: Number of processes that decode the photos.
        augment: Whether to shift and flip the training images at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        val_size: Number of validation photos to use, or their fraction if below 1: the first ones of the data set's own
            validation split. If 0, the test set replaces the validation set. ``"2/5"`` is the second of five folds.
        batch_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    classes = tuple(ATTRIBUTES.split())
    target = "binary"

    def __init__(
        self,
        root: str | None = None,
        image_size: int = 64,
        num_workers: int = 2,
        augment: Augmentation = False,
        batch_size: int = 64,
        val_size: ValSize = 19_867,
        seed: int = 0,
    ) -> None:
        if image_size < 1 or num_workers < 0:
            raise ZooError(
                f"image_size must be at least 1 and num_workers at least 0, got {image_size} and {num_workers}"
            )
        self.stored_shape = (3, image_size, image_size)
        super().__init__(augment=augment, batch_size=batch_size, val_size=val_size, seed=seed)
        self.root = data_root(root)
        self.folder = self.root / "celeba"
        self.num_workers = num_workers

    def prepare_data(self) -> None:
        """Check that the files are on disk.

        Raises:
            DataUnavailableError: A file is missing.
        """
        for name in ("list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"):
            if not os.path.exists(self.folder / name):
                raise DataUnavailableError(
                    f"CelebA is not complete: {self.folder / name} is missing; get it from its publisher "
                    "(see torchvision's CelebA) and put it there, or set --data.root to the folder above"
                )

    def load_splits(self) -> dict[Split, Batches]:
        """Read and check the lists, and check that every picture exists."""
        pictures, lists = self.folder / "img_align_celeba", self.folder / "list_attr_celeba.txt"
        attributes = self._rows("list_attr_celeba.txt", skip=2, columns=1 + len(self.classes))
        partition = {row[0]: row[1] for row in self._rows("list_eval_partition.txt", skip=0, columns=2)}
        try:
            present = set(os.listdir(pictures))
        except OSError as error:
            raise ZooError(f"{pictures} cannot be read: {error.strerror}") from None
        chosen: dict[str, list[list[str]]] = {"0": [], "1": [], "2": []}
        for row in attributes:
            if row[0] not in present:
                raise ZooError(f"{pictures / row[0]} is missing, but is listed in {lists}")
            if partition.get(row[0]) not in chosen:
                raise ZooError(f"{self.folder / 'list_eval_partition.txt'} does not assign {row[0]} to split 0, 1 or 2")
            if set(row[1:]) - {"1", "-1"}:
                raise ZooError(f"{lists} has attributes of {row[0]} other than 1 and -1")
            chosen[partition[row[0]]].append(row)
        if isinstance(self.val_size, str):
            rows = chosen["0"] + chosen["1"]
            chosen["0"], chosen["1"] = ([rows[i] for i in part] for part in self.split(len(rows)))
        elif self.val_size:
            chosen["1"] = chosen["1"][: count_of(self.val_size, len(chosen["1"]), "val_size")]
        splits = {
            split: PictureFiles(
                [pictures / row[0] for row in rows],
                torch.tensor([[int(value == "1") for value in row[1:]] for row in rows]),
                Photo(self.stored_shape[1]),
            )
            for split, rows in zip(("train", "val", "test"), chosen.values(), strict=True)
        }
        return cast(dict[Split, Batches], splits)

    @property
    def transform(self) -> Transform:
        """Turns the middle square of a picture into an input."""
        return Photo(self.stored_shape[1])

    def _rows(self, name: str, skip: int, columns: int) -> list[list[str]]:
        path = self.folder / name
        rows = [line.split() for line in read_text(path).splitlines()[skip:] if line.strip()]
        for number, row in enumerate(rows, start=skip + 1):
            if len(row) != columns:
                raise ZooError(f"{path}, line {number}: {len(row)} columns, expected {columns}")
        return rows
