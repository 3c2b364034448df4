"""From a checkpoint to the model file that the robot runs."""
