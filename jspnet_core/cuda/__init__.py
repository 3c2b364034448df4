"""The stages of `pipeline` as CUDA kernels, under the same names; each is tested against its CPU version."""
