"""The README is short, and names what the project has."""

from __future__ import annotations

import re

from tests.docs.commands import ROOT

README = (ROOT / "README.md").read_text()


def test_the_readme_fits_on_a_page_or_two() -> None:
    assert len(README.splitlines()) <= 100


def test_topics_of_the_readme_are_those_of_the_documentation() -> None:
    topics = re.findall(r"^\| `(~/[\w/]+)` \|", README, re.MULTILINE)
    assert len(topics) >= 5
    page = (ROOT / "docs" / "ros.md").read_text()
    assert not [topic for topic in topics if f"`{topic}`" not in page]


def test_links_lead_to_files() -> None:
    for page in [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_paths_named_in_the_documentation_exist() -> None:
    """Code in sentences that looks like a path of the repository: `jspnet_core/io/clouds.py`, `tests/cuda/`."""
    pages = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"]
    tops = "benchmarks|config|docs|examples|jspnet_core|jspnet_ros|launch|msg|requirements|rviz|tests|tools"
    wrong = []
    for page in pages:
        for path in re.findall(rf"`((?:{tops})/[\w./-]*[\w/])`", page.read_text()):
            if not re.search("[A-Z]{4}", path) and not (ROOT / path).exists():  # capitals stand for what users fill in
                wrong.append(f"{page.name}: {path}")
    assert not wrong, "\n".join(wrong)
