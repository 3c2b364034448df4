"""Export of a checkpoint as the model file that the robot runs."""
