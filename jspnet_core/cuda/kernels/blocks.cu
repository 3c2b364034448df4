// Blocks (jspnet_core/pipeline/blocks.py): which voxels lie in which column of the ground plane, N of each in random order, and
// what the network sees of them. Columns are the grid's windows, closed at both ends, `columns_x` of them along x.
#include "cuda_or_host.h"

// bounds: (6,) ordered integers, lowest x y z and highest x y z; INT_MAX and INT_MIN before.
extern "C" __global__ void extent(const float* xyz, const int* count, int* bounds) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *count) return;
    for (int axis = 0; axis < 3; ++axis) {
        atomicMin(bounds + axis, ordered(xyz[3 * v + axis]));
        atomicMax(bounds + 3 + axis, ordered(xyz[3 * v + axis]));
    }
}
EXPORT(extent)

extern "C" __global__ void extent_as_floats(const int* bounds, float* low_high) {
    if (threadIdx.x < 6) low_high[threadIdx.x] = unordered(bounds[threadIdx.x]);
}
EXPORT(extent_as_floats)

__device__ inline bool in_window(float value, float low, int window, double size, double stride) {
    double begin = low + stride * window;
    return value >= begin && value <= begin + size;
}

// members: (columns,), and sums of x and y in micrometres, (columns, 2): integers, so that their order does not matter.
// One thread per voxel, all columns that hold it.
extern "C" __global__ void count_columns(const float* xyz, const int* count, const float* low, int columns_x,
                                         int columns_y, double size, double stride, int* members, long long* sums) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    if (v >= *count) return;
    float x = xyz[3 * v], y = xyz[3 * v + 1];
    int reach = (int)ceil(size / stride) + 1;
    int last_x = (int)((x - low[0]) / stride) + 1, last_y = (int)((y - low[1]) / stride) + 1;
    for (int i = last_x - reach > 0 ? last_x - reach : 0; i <= last_x && i < columns_x; ++i) {
        if (!in_window(x, low[0], i, size, stride)) continue;
        for (int j = last_y - reach > 0 ? last_y - reach : 0; j <= last_y && j < columns_y; ++j) {
            if (!in_window(y, low[1], j, size, stride)) continue;
            int column = i * columns_y + j;
            atomicAdd(members + column, 1);
            atomicAdd((u64*)sums + 2 * column, (u64)(long long)llrint(MICROMETRES * (double)x));
            atomicAdd((u64*)sums + 2 * column + 1, (u64)(long long)llrint(MICROMETRES * (double)y));
        }
    }
}
EXPORT(count_columns)

__device__ inline unsigned mixed(unsigned value) {  // a bijection of 32 bits that looks random
    value ^= value >> 16, value *= 0x7feb352dU, value ^= value >> 15, value *= 0x846ca68bU;
    return value ^ value >> 16;
}

// The place of `rank` in a random order of 0 to count - 1: a Feistel network over the next power of four, walked until
// it stays below the count.
__device__ inline unsigned shuffled(unsigned rank, unsigned count, unsigned seed) {
    unsigned half = 1;
    while ((1u << 2 * half) < count) ++half;
    unsigned low = (1u << half) - 1;
    do {
        unsigned left = rank >> half, right = rank & low;
        for (unsigned round = 0; round < 4; ++round) {
            unsigned next = left ^ (mixed(right + mixed(seed + round)) & low);
            left = right, right = next;
        }
        rank = left << half | right;
    } while (rank >= count);
    return rank;
}

// The members of each chosen column, N of them in random order; the rest repeats some. index: (B, N), taken: (B,).
// One block of threads per chosen column; voxels are ranked in their order, so a frame always gives the same blocks.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    cut_columns(const float* xyz, const int* voxels, const float* low, const int* chosen, const int* members,
                int columns_y, double size, double stride, int n, unsigned seed, int* index, int* taken) {
    __shared__ int of_warp[32];
    int column = chosen[blockIdx.x], count = members[column], warp = threadIdx.x / 32, warps = blockDim.x / 32;
    index += (size_t)blockIdx.x * n;
    seed = mixed(seed + column);
    int before = 0;
    for (int begin = 0; begin < *voxels; begin += blockDim.x) {
        int v = begin + threadIdx.x;
        bool inside = v < *voxels && in_window(xyz[3 * v], low[0], column / columns_y, size, stride) &&
                      in_window(xyz[3 * v + 1], low[1], column % columns_y, size, stride);
        unsigned mask = __ballot_sync(ALL_LANES, inside);
        if (lane_id() == 0) of_warp[warp] = __popc(mask);
        __syncthreads();
        int rank = before + __popc(mask & ((1u << lane_id()) - 1));
        for (int w = 0; w < warps; ++w) {
            if (w < warp) rank += of_warp[w];
            before += of_warp[w];
        }
        __syncthreads();
        if (!inside) continue;
        int place = shuffled(rank, count, seed);
        if (place < n) index[place] = v;
    }
    __syncthreads();
    int filled = count < n ? count : n;
    if (threadIdx.x == 0) taken[blockIdx.x] = filled;
    for (int place = filled + threadIdx.x; place < n; place += blockDim.x)
        index[place] = index[mixed(seed ^ mixed(place)) % filled];
}
EXPORT(cut_columns)

// Channels (paper, section 4.2): x and y from the block's own middle, z; red, green, blue; x, y, z as a share of the
// cloud. rgb: of the input's points, (n, 3), or null, which reads as black. channels: 9, or 6 without colour.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
    block_features(const float* xyz, const unsigned char* rgb, const int* representative, const float* low_high,
                   const int* index, int n, int channels, float half, float* features) {
    __shared__ int lowest[2];
    index += (size_t)blockIdx.x * n, features += (size_t)blockIdx.x * n * channels;
    if (threadIdx.x < 2) lowest[threadIdx.x] = LARGEST_INT;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        for (int axis = 0; axis < 2; ++axis) atomicMin(lowest + axis, ordered(xyz[3 * (size_t)index[i] + axis]));
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        size_t v = index[i];
        float* out = features + (size_t)i * channels;
        for (int axis = 0; axis < 3; ++axis) {
            float value = xyz[3 * v + axis], low = axis == 2 ? 0.0f : low_high[axis];
            out[axis] = axis == 2 ? value : value - (unordered(lowest[axis]) + half);
            out[channels - 3 + axis] = fminf(fmaxf((value - low) / fmaxf(low_high[3 + axis] - low, 1e-3f), 0.0f), 1.0f);
            if (channels == 9) out[3 + axis] = rgb ? rgb[3 * (size_t)representative[v] + axis] / 255.0f : 0.0f;
        }
    }
}
EXPORT(block_features)
