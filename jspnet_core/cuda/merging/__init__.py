"""Clusters of blocks to instances of the cloud, on the device; see `pipeline.merging`."""
