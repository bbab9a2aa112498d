"""The flat softmax against arithmetic in float64."""

import numpy as np
import pytest
import torch

from geocairn.models.softmax import FlatSoftmax, SoftmaxConfig

SHARE = np.array([0.5, 0.2, 0.2, 0.1])


def model_of(**settings):
    torch.manual_seed(0)
    numbers = np.random.default_rng(0)
    mean, std = numbers.normal(size=5).astype(np.float32), np.array([1, 2, 0.5, 0, 3], dtype=np.float32)
    return FlatSoftmax(SoftmaxConfig(hidden=7, **settings), 5, np.log(SHARE), mean, std), mean.astype(np.float64), std.astype(np.float64)


def reference(model, mean, std, features):
    """(B, L) log-probabilities."""
    seen = (features - mean) / np.where(std > 0, std, 1)
    layers = [(layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in model.layers]
    for weight, bias in layers[:-1]:
        seen = np.maximum(seen @ weight.T + bias, 0)
    weight, bias = layers[-1]
    p = np.exp(seen @ weight.T + bias)
    return np.log(p / p.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("head", ["linear", "mlp"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_logits_and_loss_are_those_of_float64(head, smoothing):
    model, mean, std = model_of(head=head, label_smoothing=smoothing)
    features = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    leaf = np.array([0, 1, 2, 3, 0, 1])
    log_p = reference(model, mean, std, features.astype(np.float64))
    model.eval()
    np.testing.assert_allclose(model(torch.from_numpy(features)).detach().log_softmax(-1).numpy(), log_p, atol=1e-5)
    target = (1 - smoothing) * np.eye(4)[leaf] + smoothing / 4
    loss = model.loss(torch.from_numpy(features), torch.from_numpy(leaf))
    assert float(loss.detach()) == pytest.approx(-(target * log_p).sum(axis=1).mean(), rel=1e-5)


def test_every_weight_has_a_gradient_and_dropout_falls_in_training_alone():
    model, *_ = model_of(head="mlp", dropout=0.5)
    features = torch.randn(32, 5)
    model.loss(features, torch.arange(32) % 4).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert not torch.equal(model(features), model(features))
    model.eval()
    assert torch.equal(model(features), model(features))


def test_before_any_training_an_average_photo_is_answered_by_the_prior():
    model, mean, _ = model_of(head="linear")
    p = model.eval()(torch.from_numpy(mean.astype(np.float32))[None]).softmax(-1)
    np.testing.assert_allclose(p.detach().numpy()[0], SHARE, rtol=1e-5)


def test_the_arrays_are_weights_by_layer():
    assert {name: array.shape for name, array in model_of(head="mlp")[0].arrays().items()} == {
        "layer0.weight": (7, 5),
        "layer0.bias": (7,),
        "layer1.weight": (4, 7),
        "layer1.bias": (4,),
    }
    assert list(model_of(head="linear")[0].arrays()) == ["layer0.weight", "layer0.bias"]
