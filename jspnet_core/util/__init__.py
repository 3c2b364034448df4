"""Thread pools, timers and the cache folder."""
