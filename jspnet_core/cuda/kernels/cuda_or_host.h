// Constants in capitals that no source defines are options of the compiler: see jspnet_core/cuda/constants.py.
// The same kernels for the GPU (nvcc) and for the host (g++), where every thread of a block is a fiber that hands over
// at barriers. On the host a block's threads, and a grid's blocks, can run in reverse order: a result that then
// differs shows a missing barrier.
#pragma once

#ifdef __CUDACC__
#define EXPORT(kernel)
#define DYNAMIC_SHARED(type, name) \
    extern __shared__ __align__(16) char name##_bytes[]; \
    type* name = reinterpret_cast<type*>(name##_bytes)
#else
#include <math.h>
#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static  // one block runs at a time
#define __launch_bounds__(...)
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(host::dynamic_shared.data())

struct Index {
    unsigned x = 0, y = 0, z = 0;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

namespace host {
enum State { READY, AT_WARP_BARRIER, AT_BLOCK_BARRIER, DONE };

struct Fiber {  // begins as a context, and hands over by jumps, which make no system call
    ucontext_t context;
    jmp_buf place;
    bool begun;
    unsigned shows;  // how many values it has shown to its warp
    std::vector<char> stack;
    State state;
};

static std::vector<Fiber> fibers;
static std::vector<uint64_t> dynamic_shared;
static uint64_t lanes[2][1024];  // what a thread shows to its warp, this time and the next
static jmp_buf scheduler;
static unsigned current;
static std::function<void()> body;

inline void wait(State barrier) {
    fibers[current].state = barrier;
    if (!_setjmp(fibers[current].place)) _longjmp(scheduler, 1);
}

inline void enter() {
    body();
    fibers[current].state = DONE;
    _longjmp(scheduler, 1);
}

inline void run_until_barrier(unsigned thread) {
    current = thread;
    threadIdx.x = thread;
    if (_setjmp(scheduler)) return;
    if (fibers[thread].begun) _longjmp(fibers[thread].place, 1);
    fibers[thread].begun = true;
    setcontext(&fibers[thread].context);
}

// A warp runs until all its threads are at a block's barrier or done.
inline void run_warp(unsigned first, unsigned last, bool reversed) {
    for (bool again = true; again;) {
        for (unsigned i = first; i < last; ++i) {
            unsigned thread = reversed ? first + last - 1 - i : i;
            if (fibers[thread].state == READY) run_until_barrier(thread);
        }
        again = false;
        for (unsigned i = first; i < last; ++i)
            if (fibers[i].state == AT_WARP_BARRIER) fibers[i].state = READY, again = true;
    }
}

inline void run_block(unsigned threads, bool reversed) {
    fibers.resize(threads);
    for (Fiber& fiber : fibers) {
        fiber.stack.resize(64 * 1024);
        fiber.state = READY;
        fiber.begun = false;
        fiber.shows = 0;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, reinterpret_cast<void (*)()>(enter), 0);
    }
    unsigned warps = (threads + 31) / 32;
    for (bool again = true; again;) {
        for (unsigned i = 0; i < warps; ++i) {
            unsigned warp = reversed ? warps - 1 - i : i;
            run_warp(32 * warp, threads < 32 * warp + 32 ? threads : 32 * warp + 32, reversed);
        }
        again = false;
        for (Fiber& fiber : fibers)
            if (fiber.state == AT_BLOCK_BARRIER) fiber.state = READY, again = true;
    }
}

inline void run(const unsigned* grid, unsigned threads, unsigned shared, int reversed, std::function<void()> kernel) {
    body = std::move(kernel);
    dynamic_shared.assign(shared / 8 + 1, 0xfefefefefefefefeull);  // not zeros: they would hide what is not written
    gridDim = {grid[0], grid[1], 1};
    blockDim = {threads, 1, 1};
    unsigned blocks = grid[0] * grid[1];
    for (unsigned i = 0; i < blocks; ++i) {
        unsigned block = reversed ? blocks - 1 - i : i;
        blockIdx = {block % grid[0], block / grid[0], 0};
        run_block(threads, reversed != 0);
    }
}

template <class... A, std::size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(arguments[I])...);
}

template <class... A>
void call(void (*kernel)(A...), void** arguments) {
    call(kernel, arguments, std::index_sequence_for<A...>{});
}

// A warp's threads show a value each, and read those of others; threads that are done, or do not exist, show 0.
// One barrier is enough: nobody shows the time after next before all have read this time's values.
template <class T>
unsigned show(T value) {
    unsigned self = threadIdx.x, time = fibers[self].shows++;
    lanes[time & 1][self] = 0;
    memcpy(&lanes[time & 1][self], &value, sizeof value);
    wait(AT_WARP_BARRIER);
    return time;
}

inline uint64_t shown(unsigned time, unsigned lane) {
    unsigned thread = (threadIdx.x & ~31u) + lane;
    return thread < fibers.size() && fibers[thread].shows > time ? lanes[time & 1][thread] : 0;
}

template <class T>
T from_lane(T value, unsigned lane) {
    uint64_t other = shown(show(value), lane);
    memcpy(&value, &other, sizeof value);
    return value;
}
}  // namespace host

#define EXPORT(kernel)                                                                                        \
    extern "C" void launch_##kernel(const unsigned* grid, unsigned threads, unsigned shared, int reversed,    \
                                    void** arguments) {                                                       \
        host::run(grid, threads, shared, reversed, [=] { host::call(kernel, arguments); });                   \
    }

inline void __syncthreads() { host::wait(host::AT_BLOCK_BARRIER); }
template <class T> T __shfl_sync(unsigned, T value, unsigned lane) { return host::from_lane(value, lane & 31); }
template <class T> T __shfl_xor_sync(unsigned, T value, unsigned mask) {
    return host::from_lane(value, (threadIdx.x & 31) ^ mask);
}
inline unsigned __ballot_sync(unsigned, int predicate) {
    unsigned bits = 0, time = host::show(predicate != 0);
    for (unsigned i = 0; i < 32; ++i) bits |= (host::shown(time, i) ? 1u : 0u) << i;
    return bits;
}
inline unsigned __reduce_max_sync(unsigned, unsigned value) {
    unsigned time = host::show(value);
    for (unsigned i = 0; i < 32; ++i) value = host::shown(time, i) > value ? (unsigned)host::shown(time, i) : value;
    return value;
}
inline unsigned __reduce_min_sync(unsigned, unsigned value) { return ~__reduce_max_sync(~0u, ~value); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline unsigned __float_as_uint(float value) { unsigned bits; memcpy(&bits, &value, 4); return bits; }
inline float __uint_as_float(unsigned bits) { float value; memcpy(&value, &bits, 4); return value; }
template <class T, class V> T atomicAdd(T* at, V value) { T old = *at; *at += value; return old; }
template <class T, class V> T atomicMin(T* at, V value) { T old = *at; if (T(value) < old) *at = value; return old; }
template <class T, class V> T atomicMax(T* at, V value) { T old = *at; if (T(value) > old) *at = value; return old; }
template <class T, class V, class W> T atomicCAS(T* at, V expected, W value) {
    T old = *at;
    if (old == T(expected)) *at = value;
    return old;
}
#endif

#ifndef MIN_OVERLAP
#error "compile with the options of jspnet_core.cuda.constants.compiler_defines()"
#endif

typedef unsigned long long u64;

constexpr unsigned ALL_LANES = ~0u;
constexpr u64 EMPTY = ~0ull;  // a free slot of a hash table: all bytes 0xFF
constexpr int LARGEST_INT = 0x7FFFFFFF;

__device__ inline int lane_id() { return threadIdx.x & 31; }
__device__ inline int warp_in_grid() { return (blockIdx.x * blockDim.x + threadIdx.x) / 32; }

// No contraction into fused multiply-adds (nvcc -fmad=false, g++ -ffp-contract=off): the same bits everywhere.
__device__ inline float squared_distance(const float* a, const float* b) {
    float x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z;
}

// How many threads of the block before this one have `flag`; `total` of all.
__device__ inline int rank_in_block(bool flag, int* total) {
    __shared__ int of_warp[32];
    unsigned mask = __ballot_sync(ALL_LANES, flag);
    int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    if (lane_id() == 0) of_warp[warp] = __popc(mask);
    __syncthreads();
    int before = 0;
    *total = 0;
    for (int w = 0; w < warps; ++w) {
        if (w < warp) before += of_warp[w];
        *total += of_warp[w];
    }
    __syncthreads();
    return before + __popc(mask & ((1u << lane_id()) - 1));
}

// Floats as integers of the same order, for atomics.
__device__ inline int ordered(float value) {
    int bits = (int)__float_as_uint(value);
    return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
}
__device__ inline float unordered(int bits) { return __uint_as_float((unsigned)(bits < 0 ? bits ^ 0x7FFFFFFF : bits)); }

// Hash tables of `mask` + 1 slots with open addressing: the first slot of a key, and the one it is in, put there if new.
__device__ inline int first_slot(u64 key, int mask) {
    return (int)((key ^ key >> 29) * 0x9E3779B97F4A7C15ull >> 20) & mask;
}
__device__ inline int insert(u64* keys, int mask, u64 key, bool* is_new = nullptr) {
    int at = first_slot(key, mask);
    u64 held;
    while ((held = atomicCAS(keys + at, EMPTY, key)) != EMPTY && held != key) at = (at + 1) & mask;
    if (is_new) *is_new = held == EMPTY;
    return at;
}
