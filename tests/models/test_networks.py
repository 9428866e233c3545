"""What is particular to one network."""

from __future__ import annotations

import torch
from documents import DOCUMENTED

import zoo

OF_THE_DOCUMENTS = (
    *("slp", "mlp", "linear", "custom_function", "xor", "digits_cnn", "cifar_cnn"),
    *("fcnet", "convnet", "ffnn", "rnn", "lstm", "lstm_cell", "bilstm_sentiment"),
)


def test_every_network_of_the_documents_is_held_against_its_own_class() -> None:
    assert tuple(DOCUMENTED) == OF_THE_DOCUMENTS
    assert set(OF_THE_DOCUMENTS) <= set(zoo.list_models())


def test_the_linear_problems_gradient_by_hand_is_autograds() -> None:
    torch.manual_seed(0)
    model = zoo.create_model("linear")
    data = zoo.create_datamodule("quadratic")
    data.setup()
    batch = data.splits["train"].batch(list(range(30)))
    model.training_step(batch, 0).backward()
    assert torch.allclose(model.mdl.weight.grad, model.gradient_by_hand(*batch), rtol=1e-5)


def test_both_forms_of_the_xor_network_agree() -> None:
    torch.manual_seed(0)
    model = zoo.create_model("xor", hidden_dim=3)
    x = torch.rand(5, 2)
    sequential = model.as_sequential()
    assert torch.equal(sequential(x), model(x))
    assert list(sequential.state_dict()) == ["main.0.weight", "main.0.bias", "main.2.weight", "main.2.bias"]


def test_the_cell_stepped_by_hand_is_the_lstm() -> None:
    torch.manual_seed(0)
    lstm, cell = zoo.create_model("lstm"), zoo.create_model("lstm_cell")
    cell.load_state_dict({key.replace("_l0", ""): value for key, value in lstm.state_dict().items()})
    x, lengths = torch.rand(4, 28, 28), torch.tensor([28, 1, 9, 20])
    assert torch.allclose(cell(x), lstm(x), atol=1e-6)
    assert torch.allclose(cell(x, lengths), lstm(x, lengths), atol=1e-6)


def test_the_last_valid_step_does_not_see_what_comes_after() -> None:
    torch.manual_seed(0)
    for name in ("rnn", "lstm", "lstm_cell"):
        model = zoo.create_model(name).eval()
        x = torch.rand(2, 28, 28)
        alone = model(x[:, :11])
        assert torch.allclose(model(x, torch.tensor([11, 11])), alone, atol=1e-6)
        assert not torch.allclose(model(x), alone, atol=1e-3)


def test_images_are_read_row_by_row() -> None:
    model = zoo.create_model("rnn").eval()
    image = torch.rand(3, 1, 28, 28)
    assert torch.equal(model(image), model(image.squeeze(1)))


def test_recurrent_networks_take_layers_and_directions() -> None:
    for name in ("rnn", "lstm"):
        model = zoo.create_model(name, num_layers=2, bidirectional=True, dropout=0.3, hidden_dim=8)
        assert model(torch.rand(2, 28, 28)).shape == (2, 10)
        assert model.fc.in_features == 16


def test_padding_changes_nothing_in_a_review() -> None:
    torch.manual_seed(0)
    model = zoo.create_model("bilstm_sentiment", num_layers=2).eval()
    short, long = torch.randint(1, 1000, (1, 7)), torch.randint(1, 1000, (1, 40))
    padded = torch.cat([torch.cat([short, torch.zeros(1, 33, dtype=torch.int64)], dim=1), long])
    together = model(padded)
    assert torch.allclose(together[:1], model(short), atol=1e-6)
    assert torch.allclose(together[1:], model(long), atol=1e-6)


def test_dropout_acts_in_training_alone() -> None:
    model = zoo.create_model("ffnn", dropout=0.5)
    x = torch.rand(4, 784)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def test_the_documents_momentum_goes_with_sgd_alone() -> None:
    assert zoo.create_model("ffnn").configure_optimizers().param_groups[0]["momentum"] == 0.9
    assert zoo.create_model("ffnn", optimizer_args={}).configure_optimizers().param_groups[0]["momentum"] == 0
    assert type(zoo.create_model("ffnn", optimizer="Adam").configure_optimizers()).__name__ == "Adam"


def test_a_wrong_gradient_is_found() -> None:
    import pytest
    from torch.autograd.gradcheck import GradcheckError

    model = zoo.create_model("slp")

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
            return 1.1 * gradient

    type(model).forward, right = lambda self, x: Wrong.apply(self.fc(x.flatten(1))), type(model).forward
    try:
        with pytest.raises(GradcheckError):
            zoo.gradcheck(model)
    finally:
        type(model).forward = right
    assert next(model.parameters()).dtype == torch.float32
