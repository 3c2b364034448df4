"""Rendering of meshes: triangles, rasteriser, light, exposure, views on a cube."""
