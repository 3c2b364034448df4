"""The parts of the segmentation node."""
