"""Accuracy of the gravity direction and of the floor height, over frames of reference that sensors and maps use."""
