"""Pictures of the documentation are drawn by scripts that run."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures are drawn with matplotlib (extra viz)")


@pytest.mark.slow
def test_the_picture_of_the_steps_is_drawn(tmp_path: Path) -> None:
    from tools.draw_pipeline import main

    main(tmp_path / "pipeline.png")
    assert (tmp_path / "pipeline.png").read_bytes().startswith(b"\x89PNG")
