// Mean shift on the embeddings of each block (jspnet_core/pipeline/mean_shift.py): a flat kernel, one seed per occupied bin,
// near-duplicate modes removed, every point given to its nearest mode, clusters in order of size. The number of steps is bounded.
// embeddings: (B, N, D) float32, D <= MAX_DIMS; the first counts[b] rows of a block are points. gridDim.y is B.
#include "cuda_or_host.h"

__device__ inline float distance_to(const float* a, const float* b, int dims) {
    float sum = 0.0f;
    for (int d = 0; d < dims; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

// seeds: (B, N, D), found: (B,) zeros before; keys: (B, mask + 1), EMPTY before. Bins that lie 2^(64 / D) bins apart
// count as one. Where every point has a bin of its own, points become the seeds, as on the CPU.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) seed_bins(const float* embeddings, const int* counts, int n, int dims,
                                                            float bandwidth, u64* keys, int mask, float* seeds,
                                                            int* found) {
    int b = blockIdx.y, count = counts[b], bits = 64 / dims;
    embeddings += (size_t)b * n * dims, seeds += (size_t)b * n * dims, keys += (size_t)b * (mask + 1);
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        u64 key = 0;
        for (int d = 0; d < dims; ++d) {
            u64 bin = (u64)(long long)rintf(embeddings[i * dims + d] / bandwidth);
            key = dims == 1 ? bin : key << bits | (bin & ((1ull << bits) - 1));
        }
        key = key == EMPTY ? 0 : key;
        bool is_new;
        insert(keys, mask, key, &is_new);
        if (!is_new) continue;
        int seed = atomicAdd(found + b, 1);
        for (int d = 0; d < dims; ++d) seeds[seed * dims + d] = rintf(embeddings[i * dims + d] / bandwidth) * bandwidth;
    }
    __syncthreads();
    if (found[b] == count)
        for (int i = threadIdx.x; i < count * dims; i += blockDim.x) seeds[i] = embeddings[i];
}
EXPORT(seed_bins)

// Moves seeds to the mean of the points around them until convergence. One block of threads takes one seed after the
// other, every gridDim.x-th. skip: (B,) blocks with a number other than 0 are left alone; null: none are.
// modes: (B, N, D), held: (B, N) points in the ball at each, number and steps: (B,) zeros before. No new seed starts
// once `budget` steps were made in a block of points and a mode was found.
extern "C" __global__ void __launch_bounds__(THREADS)
    seek_modes(const float* embeddings, const int* counts, int n, int dims, float bandwidth, const float* seeds,
          const int* seed_counts, const int* skip, int most_steps, int budget, float* modes, int* held, int* number,
          int* steps) {
    __shared__ float sums[THREADS / 32][MAX_DIMS + 1];
    __shared__ float here[MAX_DIMS];
    __shared__ int state;  // 0: go on, 1: arrived, 2: nothing around
    int b = blockIdx.y, count = counts[b], warp = threadIdx.x / 32, warps = blockDim.x / 32;
    if (skip && skip[b]) return;
    embeddings += (size_t)b * n * dims, seeds += (size_t)b * n * dims;
    float limit = bandwidth * bandwidth, still = (float)CONVERGED * bandwidth * ((float)CONVERGED * bandwidth);
    for (int seed = blockIdx.x; seed < seed_counts[b]; seed += gridDim.x) {
        if (threadIdx.x == 0) state = steps[b] >= budget && number[b] > 0 ? 2 : 0;
        if ((int)threadIdx.x < dims) here[threadIdx.x] = seeds[seed * dims + threadIdx.x];
        __syncthreads();
        if (state == 2) break;
        for (int step = 0; state == 0; ++step) {
            float sum[MAX_DIMS], within = 0.0f;
            for (int d = 0; d < dims; ++d) sum[d] = 0.0f;
            for (int i = threadIdx.x; i < count; i += blockDim.x) {
                const float* point = embeddings + (size_t)i * dims;
                if (distance_to(point, here, dims) > limit) continue;
                within += 1.0f;
                for (int d = 0; d < dims; ++d) sum[d] += point[d];
            }
            for (int d = 0; d <= dims; ++d) {
                float total = d < dims ? sum[d] : within;
                for (int mask = 16; mask; mask /= 2) total += __shfl_xor_sync(ALL_LANES, total, mask);
                if (lane_id() == 0) sums[warp][d] = total;
            }
            __syncthreads();
            if (threadIdx.x == 0) {
                for (int w = 1; w < warps; ++w)
                    for (int d = 0; d <= dims; ++d) sums[0][d] += sums[w][d];
                float inside = sums[0][dims], moved = 0.0f;
                for (int d = 0; d < dims && inside > 0.0f; ++d) {
                    float mean = sums[0][d] / inside;
                    moved += (mean - here[d]) * (mean - here[d]);
                    here[d] = mean;
                }
                atomicAdd(steps + b, 1);
                state = inside == 0.0f ? 2 : moved <= still || step == most_steps ? 1 : 0;
                if (state == 1) {
                    int mode = atomicAdd(number + b, 1);
                    for (int d = 0; d < dims; ++d) modes[((size_t)b * n + mode) * dims + d] = here[d];
                    held[(size_t)b * n + mode] = (int)inside;
                }
            }
            __syncthreads();
        }
        __syncthreads();
    }
}
EXPORT(seek_modes)

// Whether mode a goes before mode b; -1 is none, and one that holds no point is gone.
__device__ inline bool stronger(const float* modes, const int* held, int dims, int a, int b) {
    if (a < 0 || held[a] == 0) return false;
    if (b < 0) return true;
    if (held[a] != held[b]) return held[a] > held[b];
    for (int d = 0; d < dims; ++d)
        if (modes[a * dims + d] != modes[b * dims + d]) return modes[a * dims + d] > modes[b * dims + d];
    return false;
}

// The strongest of the modes left, again and again; those within the bandwidth of it go. Strength is the number of
// points, then the coordinates, so that the order in which modes were found does not matter. held is used up.
// centers: (B, N, D), number of them: kept (B,). One block of THREADS threads per block of points.
extern "C" __global__ void __launch_bounds__(THREADS)
    choose_modes(const float* modes, int* held, const int* number, int n, int dims, float bandwidth, float* centers,
                 int* kept) {
    __shared__ int best[THREADS];
    int b = blockIdx.y, count = number[b], t = threadIdx.x, found = 0;
    modes += (size_t)b * n * dims, centers += (size_t)b * n * dims, held += (size_t)b * n;
    for (;; ++found) {
        int mine = -1;
        for (int i = t; i < count; i += THREADS)
            if (stronger(modes, held, dims, i, mine)) mine = i;
        best[t] = mine;
        __syncthreads();
        for (int stride = THREADS / 2; stride; stride /= 2) {
            if (t < stride && stronger(modes, held, dims, best[t + stride], best[t])) best[t] = best[t + stride];
            __syncthreads();
        }
        int chosen = best[0];
        __syncthreads();
        if (chosen < 0) break;
        for (int i = t; i < count; i += THREADS)
            if (distance_to(modes + i * dims, modes + chosen * dims, dims) <= bandwidth * bandwidth) held[i] = 0;
        if (t < dims) centers[found * dims + t] = modes[chosen * dims + t];
        __syncthreads();
    }
    if (t == 0) kept[b] = found;
}
EXPORT(choose_modes)

// Nearest centre of each point, the first of several, and the clusters' sizes (B, N), zeros before.
extern "C" __global__ void assign_points(const float* embeddings, const int* counts, int n, int dims,
                                         const float* centers, const int* kept, int* clusters, int* sizes) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y;
    if (i >= n) return;
    size_t at = (size_t)b * n + i;
    int nearest = -1;
    if (i < counts[b]) {
        float least = INFINITY;
        for (int k = 0; k < kept[b]; ++k) {
            float d = distance_to(embeddings + at * dims, centers + ((size_t)b * n + k) * dims, dims);
            if (d < least) least = d, nearest = k;
        }
        if (nearest >= 0) atomicAdd(sizes + (size_t)b * n + nearest, 1);
    }
    clusters[at] = nearest;
}
EXPORT(assign_points)

// Clusters by decreasing size, the first of equals first. rank: (B, N) scratch.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    rank_clusters(int n, const int* kept, const int* sizes, int* rank, int* clusters) {
    int b = blockIdx.y, count = kept[b];
    sizes += (size_t)b * n, rank += (size_t)b * n, clusters += (size_t)b * n;
    for (int k = threadIdx.x; k < count; k += blockDim.x) {
        int before = 0;
        for (int j = 0; j < count; ++j) before += sizes[j] > sizes[k] || (sizes[j] == sizes[k] && j < k);
        rank[k] = before;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        if (clusters[i] >= 0) clusters[i] = rank[clusters[i]];
}
EXPORT(rank_clusters)

extern "C" __global__ void copy_counts(const int* source, int count, int* target) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) target[i] = source[i];
}
EXPORT(copy_counts)
