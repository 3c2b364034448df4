"""Libraries of free meshes, and shapes of our own."""
