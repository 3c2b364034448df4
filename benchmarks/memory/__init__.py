"""Effect of memory over frames: labels, lasting ids, time and size of the map."""
