// How the passes of fused_serial.h and fused_band.h are cut: blocks of neurons, dtypes, switches.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#ifdef __SSE2__
#include <pmmintrin.h>
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "fused_values.h"

namespace {

using at::Tensor;

// Most neurons of a block, whose state fits into the first-level cache: forwards the state of one step, WIDE if
// the block is the whole row and half of that if not, since the part of the next row that is asked for takes as
// much room; backwards that of a chunk.
constexpr int64_t WIDE = 2048;
constexpr int64_t BLOCK = 512;
// Neurons between two requests for memory.
constexpr int64_t STRIP = 64;
// Fewest: a row of them is a few cache lines.
constexpr int64_t NARROW = 64;
// Entries below which a second thread is not worth its start: torch's own measure.
constexpr int64_t GRAIN = 32768;

// Neurons per block, so that every thread has one where there are enough.
int64_t block_width(int64_t N, int64_t most) {
  const int64_t threads = at::get_num_threads(), share = (N + threads - 1) / threads;
  return std::clamp((share + NARROW - 1) / NARROW * NARROW, NARROW, most);
}

int64_t forward_width(int64_t N, int64_t most = WIDE) { return N <= most ? most : most / 2; }

// While it lives, numbers below the smallest normal one count as 0 on this thread: what decays from step to step
// becomes so small, and a processor takes a hundred times as long for it.
class Flushing {
#ifdef __SSE2__
  const unsigned before = _mm_getcsr();

 public:
  Flushing() { _mm_setcsr(before | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON); }
  ~Flushing() { _mm_setcsr(before); }
#else
 public:
  ~Flushing() {}
#endif
};

// Runs body(first neuron, width, thread) over all N in blocks, on as many threads as torch uses.
template <class Body>
void for_blocks(int64_t T, int64_t N, int64_t most, const Body& body) {
  const int64_t wide = block_width(N, most), blocks = (N + wide - 1) / wide;
  const int64_t grain = std::max<int64_t>(1, GRAIN / (T * wide));
  at::parallel_for(0, blocks, grain, [&](int64_t begin, int64_t end) {
    const Flushing flushing;
    for (int64_t n = begin * wide; n < std::min(N, end * wide); n += wide) {
      body(n, std::min(wide, N - n), at::get_thread_num());
    }
  });
}

// Asks for part of a row that is soon read, or written. Inline, or gcc leaves out calls that have no result.
template <bool WRITE, class Scalar>
[[gnu::always_inline]] inline void prefetch(const Scalar* row, int64_t width) {
  for (int64_t i = 0; i < width; i += 64 / int64_t(sizeof(Scalar))) {
    __builtin_prefetch(row + i, WRITE);
  }
}

// Runs body(first, width, ahead) over `width` of N neurons: at once where the block is the whole row, in strips where
// the next row lies too far off for the processor to see it coming. `ahead` neurons of it are then to be asked for.
template <class Body>
void for_strips(int64_t N, int64_t width, const Body& body) {
  if (width == N) {
    return body(0, width, 0);
  }
  for (int64_t i = 0; i < width; i += STRIP) {
    const int64_t lanes = std::min(STRIP, width - i);
    body(i, lanes, lanes);
  }
}

// Calls body with a value of the type that the kernels use for the dtype of x.
template <class Body>
void for_dtype(const Tensor& x, const Body& body) {
  switch (x.scalar_type()) {
    case at::kFloat: return body(float{});
    case at::kBFloat16: return body(uint16_t{});
    case at::kDouble: return body(double{});
    default: TORCH_CHECK(false, "float32, bfloat16 or float64, not ", x.scalar_type());
  }
}

template <class Scalar>
const Scalar* read(const Tensor& x) {
  return static_cast<const Scalar*>(x.const_data_ptr());
}

template <class Scalar>
Scalar* written(const Tensor& x) {
  return static_cast<Scalar*>(x.mutable_data_ptr());
}

Tensor like(const Tensor& x) { return at::empty_like(x, at::MemoryFormat::Contiguous); }

}  // namespace
