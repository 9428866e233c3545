"""How each data set lies on disk, how to get it, and how data of one's own is given."""

IDX = """
data/{}/raw/
├── train-images-idx3-ubyte    (or .gz)
├── train-labels-idx1-ubyte
├── t10k-images-idx3-ubyte
└── t10k-labels-idx1-ubyte
"""

LAYOUTS = {
    "mnist": IDX.format("MNIST"),
    "fashion_mnist": IDX.format("FashionMNIST"),
    "cifar10": """
data/cifar-10-batches-py/
├── data_batch_1 … data_batch_5
└── test_batch
""",
    "celeba": """
data/celeba/
├── img_align_celeba/000001.jpg …
├── list_attr_celeba.txt
└── list_eval_partition.txt
""",
    "imdb": """
data/aclImdb/
├── train/pos/*.txt
├── train/neg/*.txt
├── test/pos/*.txt
└── test/neg/*.txt
""",
    "folder": """
pets/                or, divided already:    pets/
├── cat/*.jpg                                ├── train/cat/*.jpg …
└── dog/*.jpg                                ├── val/…
                                             └── test/…
""",
    "csv": """
width,height,species
5.1,3.5,setosa
6.2,2.9,versicolor
""",
    "text": """
review,label                 or    reviews/
a fine film,good                   ├── bad/*.txt
a dull film,bad                    └── good/*.txt
""",
}
"""The files of each data set that has some."""

DOWNLOADED = ("mnist", "fashion_mnist", "cifar10", "imdb")
"""Data sets that are downloaded when they are first used."""

HOW = {
    **{name: f"Downloaded when it is first used, or before: `zoo prepare {name}`." for name in DOWNLOADED},
    "celeba": "Its publisher does not allow programs to download it: fetch the files by hand, and put them here. Its "
    "faces may not be shown either.",
    "digits": "Part of scikit-learn, which is installed with the zoo: nothing is downloaded.",
}
"""How to get the data sets that are neither generated nor yours."""

STARTS = {
    "arrays": """
import torch

x, y = torch.rand(100, 1, 28, 28), torch.arange(100) % 10
data = zoo.create_datamodule("arrays", x_train=x, y_train=y)
""",
    "dataset": """
import torch
from torch.utils.data import TensorDataset

pairs = TensorDataset(torch.rand(100, 1, 28, 28), torch.arange(100) % 10)
data = zoo.create_datamodule("dataset", train=pairs)
""",
    "folder": '\ndata = zoo.create_datamodule("folder", root="pets")',
    "csv": '\ndata = zoo.create_datamodule("csv", path="flowers.csv", target="species")',
    "text": '\ndata = zoo.create_datamodule("text", path="reviews.csv", text="review", target="label")',
}
"""How data of one's own is given in Python."""
