"""The CUDA kernels compiled for the CPU, for tests on machines without a GPU."""
