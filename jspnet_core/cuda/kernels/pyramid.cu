// The pyramid of a batch of blocks (jspnet_core/pipeline/pyramid.py): sampling, neighbours, densities, interpolation.
// features: (B, N, channels) float32, block x y z first. level1: (B, n1, 3) float32, the sampled points; the coarser
// levels are its prefixes. Index results are flat over the batch, as the network takes them. gridDim.y is B.
#include "cuda_or_host.h"

// Farthest point sampling from point 0; the lowest index of several equally far. One block of threads per block of
// points, N <= POINTS_PER_THREAD * threads; distances stay in registers and one barrier separates two samples.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    farthest_points(const float* features, int channels, int n, int count, int* sample, float* level1) {
    DYNAMIC_SHARED(float, points);  // 3 * n
    __shared__ unsigned best[2][32], where[2][32];
    int b = blockIdx.y, t = threadIdx.x, warps = blockDim.x / 32;
    features += (size_t)b * n * channels;
    for (int i = t; i < 3 * n; i += blockDim.x) points[i] = features[(size_t)(i / 3) * channels + i % 3];
    float distance[POINTS_PER_THREAD];
    for (int k = 0; k < POINTS_PER_THREAD; ++k) distance[k] = INFINITY;
    __syncthreads();
    unsigned last = 0;
    for (int i = 0; i < count; ++i) {
        if (t == 0) sample[(size_t)b * count + i] = b * n + last;
        if (t < 3) level1[((size_t)b * count + i) * 3 + t] = points[3 * last + t];
        unsigned key = 0, index = ~0u;  // of this thread: 1 + the distance's bits, which order as the distance does
#pragma unroll
        for (int k = 0; k < POINTS_PER_THREAD; ++k) {
            int j = k * blockDim.x + t;
            if (j >= n) continue;
            float d = squared_distance(points + 3 * j, points + 3 * last);
            distance[k] = d < distance[k] ? d : distance[k];
            unsigned found = __float_as_uint(distance[k]) + 1;
            if (found > key) key = found, index = j;
        }
        unsigned most = __reduce_max_sync(ALL_LANES, key);
        unsigned lowest = __reduce_min_sync(ALL_LANES, key == most ? index : ~0u);
        if (lane_id() == 0) best[i & 1][t / 32] = most, where[i & 1][t / 32] = lowest;
        __syncthreads();
        key = lane_id() < warps ? best[i & 1][lane_id()] : 0;
        index = lane_id() < warps ? where[i & 1][lane_id()] : ~0u;
        most = __reduce_max_sync(ALL_LANES, key);
        last = __reduce_min_sync(ALL_LANES, key == most ? index : ~0u);
    }
}
EXPORT(farthest_points)

// The first `count` points of each ball in index order, padded with the first. One warp per centre.
extern "C" __global__ void ball_query(const float* features, int channels, int n, const float* level1, int m,
                                      float square, int count, int* near) {
    int row = warp_in_grid(), b = blockIdx.y;
    if (row >= m) return;
    features += (size_t)b * n * channels;
    const float* center = level1 + ((size_t)b * m + row) * 3;
    near += ((size_t)b * m + row) * count;
    int found = 0, first = 0;
    for (int begin = 0; begin < n && found < count; begin += 32) {
        int j = begin + lane_id();
        bool inside = j < n && squared_distance(features + (size_t)j * channels, center) < square;
        unsigned mask = __ballot_sync(ALL_LANES, inside);
        if (mask && !found) first = begin + __ffs(mask) - 1;
        int place = found + __popc(mask & ((1u << lane_id()) - 1));
        if (inside && place < count) near[place] = b * n + j;
        found += __popc(mask);
    }
    for (int place = found + lane_id(); place < count; place += 32) near[place] = b * n + first;
}
EXPORT(ball_query)

// Mean of a normal kernel over at most `count` neighbours, first in index order, but for the kernel's constant factor,
// which `relative_inverse` cancels. One warp per point of the level's first n of n1.
extern "C" __global__ void ball_density(const float* level1, int n1, int n, float square, float variance, int count,
                                        float* density) {
    int row = warp_in_grid(), b = blockIdx.y;
    if (row >= n) return;
    const float* points = level1 + (size_t)b * n1 * 3;
    float total = 0.0f;
    int found = 0;
    for (int begin = 0; begin < n && found < count; begin += 32) {
        int j = begin + lane_id();
        float d = j < n ? squared_distance(points + 3 * j, points + 3 * row) : INFINITY;
        unsigned mask = __ballot_sync(ALL_LANES, d < square);
        int place = found + __popc(mask & ((1u << lane_id()) - 1));
        if (d < square && place < count) total += expf(-0.5f * d / variance);
        found += __popc(mask);
    }
    for (int mask = 16; mask; mask /= 2) total += __shfl_xor_sync(ALL_LANES, total, mask);
    if (lane_id() == 0) density[(size_t)b * n + row] = total / (found < count ? found : count);
}
EXPORT(ball_density)

// Inverse density of each neighbour over the largest of its row. near: (B, n, K) flat; the first `rows` of n are read.
// One warp per row, K <= 32.
extern "C" __global__ void relative_inverse(const float* density, const int* near, int n, int rows, int k, float* out) {
    int row = warp_in_grid(), b = blockIdx.y;
    if (row >= rows) return;
    bool used = lane_id() < k;
    float inverse = used ? 1.0f / density[near[((size_t)b * n + row) * k + lane_id()]] : 0.0f, most = inverse;
    for (int mask = 16; mask; mask /= 2) most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, mask));
    if (used) out[((size_t)b * rows + row) * k + lane_id()] = inverse / most;
}
EXPORT(relative_inverse)

// One step of a bitonic network over the lanes of a warp: the smaller key goes down where `down`.
__device__ inline u64 exchanged(u64 key, unsigned stride, bool down) {
    u64 other = __shfl_xor_sync(ALL_LANES, key, stride);
    bool keep_smaller = ((lane_id() & stride) == 0) == down;
    return (key < other) == keep_smaller ? key : other;
}

// The k <= 32 nearest points of each point of a level, nearest first, the lower index first of equally near ones.
// One warp per point; a lane holds one of the 32 best so far.
extern "C" __global__ void nearest_points(const float* level1, int n1, int n, int k, int* near) {
    int row = warp_in_grid(), b = blockIdx.y;
    if (row >= n) return;
    const float* points = level1 + (size_t)b * n1 * 3;
    u64 best = ~0ull;
    for (int begin = 0; begin < n; begin += 32) {
        int j = begin + lane_id();
        u64 key = ~0ull;
        if (j < n) key = (u64)__float_as_uint(squared_distance(points + 3 * j, points + 3 * row)) << 32 | (unsigned)j;
        u64 worst = __shfl_sync(ALL_LANES, best, k - 1);
        if (!__ballot_sync(ALL_LANES, key < worst)) continue;
        for (unsigned size = 2; size <= 32; size *= 2)  // largest first, so that the halves below are bitonic
            for (unsigned stride = size / 2; stride; stride /= 2)
                key = exchanged(key, stride, (lane_id() & size) != 0);
        best = key < best ? key : best;
        for (unsigned stride = 16; stride; stride /= 2) best = exchanged(best, stride, true);
    }
    if (lane_id() < k) near[((size_t)b * n + row) * k + lane_id()] = b * n + (int)(unsigned)best;
}
EXPORT(nearest_points)

// Three nearest of the m coarse points for each of n fine ones, and their normalised weights 1 / d^2.
// fine: rows of `stride` floats, `per_block` rows a block. coarse: the first m of n1. One thread per fine point.
extern "C" __global__ void three_nearest(const float* fine, int stride, int per_block, int n, const float* level1,
                                         int n1, int m, int* index, float* weight) {
    int row = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y;
    if (row >= n) return;
    const float* points = level1 + (size_t)b * n1 * 3;
    const float* here = fine + ((size_t)b * per_block + row) * stride;
    float d0 = INFINITY, d1 = INFINITY, d2 = INFINITY;
    int i0 = 0, i1 = 0, i2 = 0;
    for (int j = 0; j < m; ++j) {
        float d = squared_distance(points + 3 * j, here);
        if (d < d0) {
            d2 = d1, i2 = i1, d1 = d0, i1 = i0, d0 = d, i0 = j;
        } else if (d < d1) {
            d2 = d1, i2 = i1, d1 = d, i1 = j;
        } else if (d < d2) {
            d2 = d, i2 = j;
        }
    }
    float w0 = 1.0f / fmaxf(d0, 1e-10f), w1 = 1.0f / fmaxf(d1, 1e-10f), w2 = 1.0f / fmaxf(d2, 1e-10f);
    float sum = w0 + w1 + w2;
    size_t at = ((size_t)b * n + row) * 3;
    index[at] = b * m + i0, index[at + 1] = b * m + i1, index[at + 2] = b * m + i2;
    weight[at] = w0 / sum, weight[at + 1] = w1 / sum, weight[at + 2] = w2 / sum;
}
EXPORT(three_nearest)
