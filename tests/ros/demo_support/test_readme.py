"""What the README says of the node is what the node has."""

import re
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

README = (Path(__file__).parents[3] / "README.md").read_text()


def test_the_parameters_of_the_readme_are_those_of_the_node():
    from jspnet_ros.node.parameter_files import table

    rows = [line for line in README.splitlines() if re.match(r"\| `\w+` \|", line)]
    assert len(rows) >= 4
    assert set(rows) <= set(table().splitlines())


def test_the_readme_is_short_and_its_links_lead_somewhere():
    assert len(README.splitlines()) < 150
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[3] / target).exists(), target
