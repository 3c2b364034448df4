"""A model of a larger class table with results in the smaller one."""

import numpy as np
import pytest

from jspnet_core.classes import INDOOR, S3DIS
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.engine import Engine
from jspnet_core.engine.merged_classes import MergedClassesEngine, merge_logits
from jspnet_core.errors import ClassTableError
from jspnet_core.model_file import ModelDescription
from jspnet_core.network_config import NetworkConfiguration

LOGITS = np.random.default_rng(0).normal(0.0, 3.0, (2, 50, 23)).astype(np.float32)


class Fixed(Engine):
    """Says the same of every block."""

    def run(self, features, pyramids):
        return LOGITS, np.zeros((2, 50, 5), np.float32)


@pytest.fixture
def engine():
    sizes: list[float | None] = [float(100 + i) for i in range(23)]
    sizes[INDOOR.names.index("table")] = None
    description = ModelDescription(
        name="fixed",
        configuration=NetworkConfiguration.of_size("s", classes=23),
        classes=INDOOR.to_dict(),
        mean_sizes=sizes,
        voxel_size=0.03,
        training={},
        licence="any",
    )
    return Fixed(description)


def softmax(x):
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def test_probabilities_are_summed(engine):
    logits, _ = MergedClassesEngine(engine, S3DIS).run(np.zeros((2, 50, 9), np.float32), [])
    labels = INDOOR.labels_in(S3DIS)
    wanted = np.stack([softmax(LOGITS)[..., labels == label].sum(-1) for label in range(13)], -1)
    np.testing.assert_allclose(softmax(logits), wanted, atol=1e-5)


def test_the_description_is_of_the_smaller_table(engine):
    description = MergedClassesEngine(engine, S3DIS).description
    assert description.class_table() == S3DIS
    assert description.configuration.classes == 13
    assert description.mean_sizes[S3DIS.names.index("clutter")] == 100 + INDOOR.names.index("clutter")
    assert description.mean_sizes[S3DIS.names.index("table")] == 100 + INDOOR.names.index("counter")


def test_a_class_of_nothing_is_never_said():
    merged = merge_logits(LOGITS, [np.arange(23), np.array([], int)])
    np.testing.assert_allclose(softmax(merged)[..., 1], 0.0)


def test_a_table_that_does_not_fit_is_refused(engine):
    with pytest.raises(ClassTableError, match="crate, pallet"):
        MergedClassesEngine(engine, read_class_table("crate,pallet")[0])
