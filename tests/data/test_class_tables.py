"""Class tables, and conversion of a larger one to a smaller one."""

import numpy as np
import pytest

from jspnet_core.classes import INDOOR, S3DIS, ClassTable
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.errors import ClassTableError


def test_indoor_begins_with_s3dis():
    assert len(INDOOR) == 23
    assert INDOOR.names[:13] == S3DIS.names
    assert INDOOR.colors[:13] == S3DIS.colors
    assert INDOOR.base() == S3DIS
    assert len(set(INDOOR.colors)) == 23


def test_indoor_is_read_as_s3dis():
    labels = dict(zip(INDOOR.names, INDOOR.labels_in(S3DIS), strict=True))
    assert [labels[name] for name in S3DIS.names] == list(range(13))
    read_as = {name: S3DIS.names[label] for name, label in labels.items()}
    assert read_as["cabinet"] == "bookcase"
    assert read_as["counter"] == "table"
    clutter = ("bed", "appliance", "sanitary", "screen", "lamp", "plant", "curtain", "picture")
    assert all(read_as[name] == "clutter" for name in clutter)
    np.testing.assert_array_equal(INDOOR.base_labels(), INDOOR.labels_in(S3DIS))


def test_a_class_is_found_by_its_name_before_its_parent():
    beds = ClassTable(("clutter", "bed"), ((1, 1, 1), (2, 2, 2)), ("bed",))
    home = ClassTable(("clutter", "bed"), ((1, 1, 1), (2, 2, 2)), ("bed",), ("clutter", "clutter"))
    np.testing.assert_array_equal(home.labels_in(beds), [0, 1])


def test_tables_that_do_not_fit_are_both_named():
    with pytest.raises(ClassTableError, match=r"classes ceiling.*cannot be read as the classes crate, pallet: nothing"):
        S3DIS.labels_in(read_class_table("crate,pallet")[0])
    with pytest.raises(ClassTableError, match="nothing there stands for clutter, bed, appliance"):
        INDOOR.labels_in(ClassTable(S3DIS.names[:-1], S3DIS.colors[:-1], ()))


def test_a_table_goes_through_its_dictionary():
    assert ClassTable.from_dict(INDOOR.to_dict()) == INDOOR
    assert "parents" not in S3DIS.to_dict()  # older versions read it


@pytest.mark.parametrize("parents", [("wall",), ("wall", "chair", "sofa"), ("sofa", "wall")])
def test_parents_are_the_first_classes(parents):
    with pytest.raises(ValueError, match="parents"):
        ClassTable(("wall", "chair"), ((1, 1, 1), (2, 2, 2)), (), parents)


def test_tables_are_known_by_name():
    table, labels = read_class_table("indoor")
    assert table == INDOOR
    assert labels == {i: i for i in range(23)}


def test_a_smaller_table_is_not_read_as_a_larger_one():
    with pytest.raises(ClassTableError, match="there, classes of their own are parts of bookcase, clutter, table"):
        S3DIS.labels_in(INDOOR)
