"""Time and memory against the size of the cloud and of the network."""
