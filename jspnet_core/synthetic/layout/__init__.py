"""Layouts: architecture, furniture and things of indoor scenes as placed meshes."""

from jspnet_core.synthetic.layout.draw_plan import KINDS
from jspnet_core.synthetic.layout.make import LayoutError, make_furnished_scene

__all__ = ["KINDS", "LayoutError", "make_furnished_scene"]
