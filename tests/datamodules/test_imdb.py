"""IMDB."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from conftest import Command
from data_files import BAD, GOOD, imdb, write_imdb
from lightning.pytorch import Trainer

import zoo
from zoo.datamodules.common.text_examples import BucketSampler, Texts


def test_reviews_become_padded_ids_of_the_training_words(tmp_path: Path) -> None:
    write_imdb(tmp_path)
    data = imdb(tmp_path)
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [32, 8, 40]
    ids, targets = data.splits["train"].batch([0, 5, 9])
    assert ids.shape[0] == 3
    assert ids.dtype == targets.dtype == torch.int64
    assert int(ids.max()) < 50
    known = data.transform("Wonderful<br />FILM")
    assert known.shape == (2,)
    assert 1 not in known  # lowercased, and the line break is gone
    assert data.transform("onlyintest").tolist() == [1]  # unknown: the test set teaches no words


def test_reviews_are_cut_and_bucketed(tmp_path: Path) -> None:
    write_imdb(tmp_path)
    data = imdb(tmp_path, max_length=10)
    assert max(data.splits["train"].lengths) == 10
    assert data.transform("word " * 100_000).shape == (10,)
    order = list(data.sampler(data.splits["train"], batch_size=4, shuffle=True))
    assert sorted(order) == list(range(32))


def test_the_start_or_the_end_of_a_long_review_is_cut(tmp_path: Path) -> None:
    write_imdb(tmp_path)
    for side, kept in (("right", slice(3)), ("left", slice(-3, None))):
        whole, cut = imdb(tmp_path), imdb(tmp_path, max_length=3, truncation_side=side)
        for index, length in enumerate(whole.splits["train"].lengths):
            ids = whole.splits["train"][index][0]
            assert len(ids) == length
            assert torch.equal(cut.splits["train"][index][0], ids[kept])
        assert torch.equal(cut.transform(GOOD), whole.transform(GOOD)[kept])
    with pytest.raises(zoo.ZooError, match="truncation_side must be left or right, got 'middle'"):
        imdb(tmp_path, truncation_side="middle")


def test_a_pickle_of_reviews_is_of_their_size_and_the_same(tmp_path: Path) -> None:
    write_imdb(tmp_path, size=60)
    data = imdb(tmp_path)
    ids = sum(8 * int(split.lengths.sum()) for split in data.splits.values())
    pickled = pickle.dumps(data)
    assert len(pickled) < ids + 30 * 240 + 20_000  # and lengths, targets, ends, the vocabulary
    again = pickle.loads(pickled)
    for split, examples in data.splits.items():
        indices = list(range(len(examples)))
        assert all(map(torch.equal, again.splits[split].batch(indices), examples.batch(indices)))
    text, target = data.splits["train"][3]
    assert torch.equal(text, data.splits["train"].batch([3])[0][0])
    assert target.shape == ()


def test_reviews_are_predicted_in_their_own_order(tmp_path: Path) -> None:
    (write_imdb(tmp_path) / "test" / "neg" / "3_5.txt").write_text(
        "a longer one than the others " * 3, encoding="utf-8"
    )
    data = imdb(tmp_path)
    model = zoo.create_model("bilstm_sentiment", vocab_size=50)
    trainer = Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)
    predictions = torch.cat(trainer.predict(model, data))
    texts = data.splits["test"]
    assert sorted(texts.lengths.tolist()) != texts.lengths.tolist()  # which is not the order of their lengths
    assert torch.allclose(predictions, model.predict(texts.batch(list(range(len(texts))))[0]).values, atol=1e-6)


def test_batches_hold_reviews_of_like_length_and_differ_by_epoch() -> None:
    lengths = torch.randint(1, 200, (1003,), generator=torch.Generator().manual_seed(0))
    texts = Texts(torch.ones(int(lengths.sum()), dtype=torch.int64), lengths, torch.zeros(1003))
    sampler = BucketSampler(texts, batch_size=8, shuffle=True)
    orders = []
    for epoch in (0, 0, 1):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == list(range(1003))
    spread = [int(lengths[b].max() - lengths[b].min()) for b in torch.tensor(orders[0][:1000]).split(8)]
    assert sum(spread) / len(spread) < 20  # of 200


def test_token_ids_are_kept_until_the_reviews_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_imdb(tmp_path)
    first = imdb(tmp_path)
    (kept,) = tmp_path.glob(".imdb-*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    second = imdb(tmp_path)  # made anew: the copy was damaged
    assert torch.equal(first.splits["train"].ids[3], second.splits["train"].ids[3])
    with monkeypatch.context() as patched:
        patched.setattr(zoo.datamodules.IMDB, "_tokenize", pytest.fail)
        assert imdb(tmp_path).transform(GOOD).tolist() == first.transform(GOOD).tolist()
    (folder / "train" / "neg" / "100_1.txt").write_text("one more, of a folder that was not complete", encoding="utf-8")
    assert len(imdb(tmp_path).splits["train"]) == 33


def test_a_trained_networks_words_are_those_of_its_training(zoo_command: Command, tmp_path: Path) -> None:
    """Whatever is asked of the data: with other reviews held out, it would learn other words."""
    write_imdb(tmp_path)
    sizes = ("--data.root", tmp_path, "--data.val_size", 8, "--data.vocab_size", 12, "--data.min_frequency", 1)
    small = ("--model.embedding_dim", 8, "--model.hidden_dim", 8, "--trainer.max_epochs", 1)
    assert zoo_command("fit", "bilstm_sentiment", *sizes, *small).code == 0
    best = ("--ckpt", "runs/bilstm_sentiment-imdb/1/checkpoints/best.ckpt", "--data.root", tmp_path)
    held_out, nothing = zoo_command("test", *best), zoo_command("test", *best, "--data.val_size", 0)
    rows = [[line for line in done.out.splitlines() if line.startswith("test ")] for done in (held_out, nothing)]
    assert len(rows[0]) == 1
    assert rows[0] == rows[1]
    other = imdb(tmp_path, vocab_size=12, val_size=0)
    assert other.transform != zoo.load_model(best[1]).transform  # it would have learned these


def test_a_folder_in_the_place_of_a_review_is_named(tmp_path: Path) -> None:
    path = write_imdb(tmp_path) / "test" / "neg" / "x.txt"
    path.mkdir()
    with pytest.raises(zoo.ZooError, match=f"{path} cannot be read"):
        imdb(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"  \n", "is empty"), (b"\xff\xfe\x00bad", "is not UTF-8")]
)
def test_reviews_that_cannot_be_read_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = write_imdb(tmp_path) / "train" / "pos" / "3_5.txt"
    path.write_bytes(content)
    with pytest.raises(zoo.ZooError, match=message) as raised:
        imdb(tmp_path)
    assert str(path) in str(raised.value)
    assert not list(tmp_path.glob(".imdb-*"))


def test_sentiment_from_training_to_raw_text(zoo_command: Command, tmp_path: Path) -> None:
    write_imdb(tmp_path / "data")
    small = ("--model.embedding_dim", 8, "--model.hidden_dim", 8, "--model.lr", 0.02, "--model.dropout", 0)
    sizes = ("--data.vocab_size", 50, "--data.val_size", 8, "--data.min_frequency", 1, "--data.batch_size", 8)
    root = ("--data.root", tmp_path / "data")
    done = zoo_command("fit", "bilstm_sentiment", *root, *small, *sizes, "--trainer.max_epochs", 8)
    assert done.code == 0, done.err
    best = "runs/bilstm_sentiment-imdb/1/checkpoints/best.ckpt"
    (tmp_path / "data").rename(tmp_path / "gone")  # the checkpoint alone knows the words
    Path("reviews.txt").write_text(f"{GOOD}\n\n{BAD}\n", encoding="utf-8")
    Path("latin.txt").write_bytes("café".encode("latin-1"))
    done = zoo_command("predict", "--ckpt", best, GOOD, "reviews.txt", "latin.txt", "", "word " * 100_000)
    assert done.code == 2
    errors = done.err.splitlines()
    assert len(errors) == 3
    assert "reviews.txt, line 2 is empty" in errors[0]
    assert "latin.txt" in errors[1]
    assert "empty" in errors[2]
    answers = done.out.splitlines()
    assert "positive" in answers[0]
    assert "positive" in answers[1]
    assert "negative" in answers[2]
    assert all(len(line) < 100 for line in answers)
