"""A frame on the GPU: what happens before and after the network as CUDA kernels, each compared with its CPU version."""
