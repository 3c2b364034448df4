"""The written parameter files and the table in the documentation are those of the code."""

from __future__ import annotations

import pytest

from jspnet_ros.node.parameter_files import ROOT, files


@pytest.mark.parametrize("name", ["config/segment.yaml", "config/segment_advanced.yaml", "docs/ros.md"])
def test_written_files_are_up_to_date(name):
    path = ROOT / name
    assert path.read_text() == files()[path], "run: python -m jspnet_ros.node.parameter_files"


def test_the_node_takes_the_advanced_file(start):
    node, client = start(params_file=ROOT / "config" / "segment_advanced.yaml")
    client.until(lambda: "labelling /jspnet_segmenter/input/points" in node.log, "activation")
