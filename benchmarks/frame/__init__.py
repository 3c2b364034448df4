"""Time of one frame, stage by stage."""
