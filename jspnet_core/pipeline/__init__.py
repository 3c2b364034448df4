"""The steps that label one cloud, in order; `segmenter` runs them."""
