"""Rooms of several class tables in one training: targets, and the loss of labels that stand for several classes."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from jspnet_core.classes import INDOOR, S3DIS, UNLABELLED
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.errors import ClassTableError
from jspnet_core.training.losses import semantic_loss
from jspnet_core.training.targets import Targets

CLUTTER, TABLE, BED = (INDOOR.names.index(name) for name in ("clutter", "table", "bed"))


def alike(mass: torch.Tensor) -> torch.Tensor:
    return mass


def test_a_label_of_s3dis_stands_for_all_classes_that_map_to_it():
    targets = Targets.of(INDOOR, [INDOOR, S3DIS])
    of_s3dis, of_indoor = targets.of_labels(S3DIS), targets.of_labels(INDOOR)
    np.testing.assert_array_equal(of_indoor[:23], np.arange(23))
    assert {INDOOR.names[c] for c in np.flatnonzero(targets.members[of_s3dis[TABLE]])} == {"table", "counter"}
    assert targets.members[of_s3dis[CLUTTER]].sum() == 9
    assert of_s3dis[INDOOR.names.index("wall")] == INDOOR.names.index("wall")  # alone: the class itself
    assert len(targets.groups()) == 3  # table, bookcase, clutter
    assert of_s3dis[UNLABELLED] == UNLABELLED
    assert (of_s3dis[13:] == UNLABELLED).all()


def test_rooms_of_one_table_need_no_groups():
    assert len(Targets.of(INDOOR, [INDOOR]).groups()) == 0
    np.testing.assert_array_equal(Targets.of(S3DIS, [S3DIS]).of_labels(S3DIS)[:13], np.arange(13))


def test_a_network_of_13_classes_learns_from_indoor_rooms():
    targets = Targets.of(S3DIS, [INDOOR])
    assert targets.of_labels(INDOOR)[BED] == CLUTTER
    assert len(targets.groups()) == 0


def test_tables_that_do_not_fit_are_both_named():
    with pytest.raises(ClassTableError, match=r"ceiling.*crate, pallet"):
        Targets.of(INDOOR, [read_class_table("crate,pallet")[0]])


def test_points_of_a_group_count_those_of_its_classes():
    targets = Targets.of(INDOOR, [INDOOR, S3DIS])
    points = np.zeros(len(targets.members))
    points[BED], points[targets.of_labels(S3DIS)[CLUTTER]] = 5, 7
    counts = targets.counts(points)
    assert counts[targets.of_labels(S3DIS)[CLUTTER]] == 12
    assert counts[BED] == 5
    assert counts[CLUTTER] == 0


def test_the_loss_of_a_group_is_of_the_sum_of_its_probabilities():
    logits = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    groups = torch.tensor([[False, True, True, False]])
    label = torch.tensor([[0, 4, 4, 3, 1], [2, UNLABELLED, 4, 0, 1]])
    weights = torch.tensor([1.0, 2.0, 0.5, 1.5, 3.0], dtype=torch.float64)
    p = logits.softmax(-1)
    p = torch.cat([p, p[..., 1:3].sum(-1, keepdim=True)], -1)
    known = label != UNLABELLED
    chosen = p.gather(-1, label.where(known, 0).unsqueeze(-1)).squeeze(-1)
    w = weights[label.where(known, 0)] * known
    wanted = -(w * chosen.log()).sum() / w.sum()
    assert semantic_loss(logits, label, weights, 0.0, alike, groups) == pytest.approx(float(wanted))


@pytest.mark.parametrize("weighted", [False, True])
def test_without_points_of_groups_the_loss_is_the_plain_one(weighted):
    logits = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(0))
    label = torch.randint(0, 4, (2, 50), generator=torch.Generator().manual_seed(1))
    label[0, :5] = UNLABELLED
    groups = torch.tensor([[False, True, True, False]])
    weights = torch.tensor([1.0, 2.0, 0.5, 1.5, 3.0]) if weighted else None
    plain = None if weights is None else weights[:4]
    found = semantic_loss(logits, label, weights, 0.1, alike, groups)
    assert float(found) == pytest.approx(float(semantic_loss(logits, label, plain, 0.1, alike)), rel=1e-5)


def test_a_group_teaches_what_is_inside_and_leaves_open_which():
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    groups = torch.tensor([[False, True, True]])
    semantic_loss(logits, torch.tensor([[3]]), None, 0.0, alike, groups).backward()
    assert logits.grad is not None
    gradient = logits.grad.flatten()
    assert gradient[0] > 0
    assert gradient[1] == gradient[2] < 0
    assert torch.isfinite(functional.softmax(logits, -1)).all()
