// Serial neurons in one pass over time, forward and backward, for CPUs: what the neurons of fused_lif.h and fused_stateful.h share.
//
// Tensors are [T, N], time first. A task takes a block of neurons through all of time: its state stays in
// the first-level cache, and what is read and written is the input and the output, once. For the backward
// pass the forward pass leaves the state at every CHUNK-th step; between two of them it is computed again.
// State and sums are float for float and bfloat16, double for double.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "fused_blocks.h"
#include "fused_neurons.h"

namespace {

using Numbers = at::ArrayRef<double>;

// Steps between two states that the forward pass keeps for the backward pass.
constexpr int64_t CHUNK = 16;

int64_t chunks(int64_t T) { return (T - 1) / CHUNK; }

// Calls body with 0, ..., COUNT - 1 as template arguments.
template <int64_t COUNT, class Body>
auto for_each_part(const Body& body) {
  return [&]<size_t... PART>(std::index_sequence<PART...>) {
    return body.template operator()<PART...>();
  }(std::make_index_sequence<COUNT>{});
}

// PARTS rows of WIDTH neurons in the first-level cache: states, gradients, sums.
template <class Real, int64_t PARTS, int64_t WIDTH>
struct Rows {
  alignas(64) Real row[PARTS > 0 ? PARTS : 1][PARTS > 0 ? WIDTH : 1];

  Array<Real, PARTS> get(int64_t i) const {
    return for_each_part<PARTS>([&]<size_t... PART> { return Array<Real, PARTS>{row[PART][i]...}; });
  }
  void set(int64_t i, const Array<Real, PARTS>& values) {
    for_each_part<PARTS>([&]<size_t... PART> { ((row[PART][i] = values[PART]), ...); });
  }
};

// The inputs of a neuron, or their gradients, in memory.
template <class Scalar, int64_t COUNT>
struct Streams {
  using Real = real_of<std::remove_const_t<Scalar>>;
  Array<Scalar*, COUNT> from;

  // The second is q, if there is one.
  Streams(const Tensor& x, const Tensor& q)
      : from(for_each_part<COUNT>([&]<size_t... ONE> { return Array<Scalar*, COUNT>{pointer(ONE == 0 ? x : q)...}; })) {}

  static Scalar* pointer(const Tensor& x) {
    if constexpr (std::is_const_v<Scalar>) {
      return read<std::remove_const_t<Scalar>>(x);
    } else {
      return written<Scalar>(x);
    }
  }
  Array<Real, COUNT> get(int64_t at) const {
    return for_each_part<COUNT>([&]<size_t... ONE> { return Array<Real, COUNT>{real(from[ONE][at])...}; });
  }
  void set(int64_t at, const Array<Real, COUNT>& values) const {
    for_each_part<COUNT>([&]<size_t... ONE> { (put(from[ONE][at], values[ONE]), ...); });
  }
};

// Runs body(neuron) for `lanes` neurons, of which none sees what another one writes. A loop of its own: in the body
// of an `omp simd`, gcc would keep the arrays of a step in memory.
template <class Body>
void for_lanes(int64_t first, int64_t lanes, const Body& body) {
#pragma omp simd
  for (int64_t i = first; i < first + lanes; ++i) {
    body(i);
  }
}

// A layer of neurons of one kind, and how it goes through time.
template <class Neuron, class Scalar>
struct Layer {
  using Real = real_of<Scalar>;
  static constexpr int64_t INPUTS = Neuron::INPUTS, STATES = Neuron::STATES, KEPT = Neuron::KEPT, OWN = Neuron::OWN;
  static constexpr int64_t SUMS = Neuron::LAYER + Neuron::STEP + OWN;
  // Most neurons of a block.
  static constexpr int64_t FORWARD = STATES + OWN <= 2 ? WIDE : 2 * WIDE / (STATES + OWN) / STRIP * STRIP;
  static constexpr int64_t BACKWARD = BLOCK;

  Neuron built;
  const std::vector<double>& learned;
  int64_t T, N, channels, inner;  // a step is [B, channels, inner]

  Layer(const Tensor& x, const std::vector<double>& learned_, Numbers numbers)
      : built(numbers.data(), learned_.data()), learned(learned_), T(x.size(0)), N(x.numel() / T),
        channels(x.dim() > 2 ? x.size(2) : 1), inner(N == 0 ? 1 : N / x.size(1) / channels) {
    const int64_t due = shared() + OWN * channels;
    TORCH_CHECK(int64_t(learned.size()) == due, shared(), " shared and ", OWN, " per channel: ", due,
                " learned values, not ", learned.size());
  }

  // Learned values that do not belong to a channel, which stand first.
  int64_t shared() const { return Neuron::LAYER + Neuron::STEP * T; }

  template <int64_t WIDTH>
  Rows<Real, OWN, WIDTH> own(int64_t n, int64_t width) const {
    Rows<Real, OWN, WIDTH> rows;
    for (int64_t part = 0; part < OWN; ++part) {
      for (int64_t i = 0; i < width; ++i) {
        rows.row[part][i] = learned[shared() + part * channels + (n + i) / inner % channels];
      }
    }
    return rows;
  }

  // Where the state of neuron n at the first step of a chunk, from 1 on, is kept.
  int64_t kept_at(int64_t chunk, int64_t part, int64_t n) const { return ((chunk - 1) * STATES + part) * N + n; }

  void forward(Streams<const Scalar, INPUTS> in, Scalar* out, Real* states, int64_t n, int64_t width) const {
    Neuron neuron = built;
    Rows<Real, STATES, FORWARD> state{};
    const auto values = own<FORWARD>(n, width);
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t part = 0; states != nullptr && t > 0 && t % CHUNK == 0 && part < STATES; ++part) {
        std::copy_n(state.row[part], width, states + kept_at(t / CHUNK, part, n));
      }
      neuron.at(t);
      const int64_t at = t * N + n, next = std::min(t + 1, T - 1) * N + n;
      for_strips(N, width, [&](int64_t first, int64_t lanes, int64_t ahead) {
        for (const Scalar* x : in.from) {
          prefetch<false>(x + next + first, ahead);
        }
        prefetch<true>(out + next + first, ahead);
        const Neuron now = neuron;
        for_lanes(first, lanes, [&](int64_t i) {
          Array<Real, STATES> after = state.get(i);
          Array<Real, KEPT> unused;
          put(out[at + i], now.step(in.get(at + i), values.get(i), after, unused));
          state.set(i, after);
        });
      });
    }
  }

  // To `totals` are added the gradients of the shared values, to `of_own` [OWN, N] those of the other ones.
  void backward(const Scalar* due, Streams<const Scalar, INPUTS> in, Streams<Scalar, INPUTS> out, const Real* states,
                double* totals, Real* of_own, int64_t n, int64_t width) const {
    Neuron neuron = built;
    Rows<Real, KEPT, BACKWARD> kept[CHUNK];
    Rows<Real, STATES, BACKWARD> state{}, carry{};
    Rows<Real, SUMS, BACKWARD> sums{};
    const auto values = own<BACKWARD>(n, width);
    const auto total = [&](int64_t sum, double& to) {
      to += std::accumulate(sums.row[sum], sums.row[sum] + width, 0.0);
      std::fill_n(sums.row[sum], width, Real(0));
    };
    for (int64_t chunk = chunks(T); chunk >= 0; --chunk) {
      const int64_t begin = chunk * CHUNK, last = std::min(T, begin + CHUNK) - 1;
      for (int64_t part = 0; part < STATES; ++part) {
        if (chunk > 0) {
          std::copy_n(states + kept_at(chunk, part, n), width, state.row[part]);
        } else {
          std::fill_n(state.row[part], width, Real(0));
        }
      }
      for (int64_t t = begin; t <= last; ++t) {
        neuron.at(t);
        const int64_t at = t * N + n;
        auto& now_kept = kept[t - begin];
        for_strips(N, width, [&](int64_t first, int64_t lanes, int64_t ahead) {
          prefetch<false>(due + at + first, ahead);
          for (Scalar* gx : out.from) {
          prefetch<true>(gx + at + first, ahead);
        }
          const Neuron now = neuron;
          for_lanes(first, lanes, [&](int64_t i) {
            Array<Real, STATES> after = state.get(i);
            Array<Real, KEPT> keeps;
            now.step(in.get(at + i), values.get(i), after, keeps);
            state.set(i, after);
            now_kept.set(i, keeps);
          });
        });
      }
      for (int64_t t = last; t >= begin; --t) {
        neuron.at(t);
        const int64_t at = t * N + n, before = std::max<int64_t>(0, t - CHUNK) * N + n;
        const auto& now_kept = kept[t - begin];
        for_strips(N, width, [&](int64_t first, int64_t lanes, int64_t ahead) {
          for (const Scalar* x : in.from) {
          prefetch<false>(x + before + first, ahead);
        }
          const Neuron now = neuron;
          for_lanes(first, lanes, [&](int64_t i) {
            Array<Real, STATES> carried = carry.get(i);
            Array<Real, SUMS> added = sums.get(i);
            out.set(at + i, now.back(real(due[at + i]), in.get(at + i), values.get(i), now_kept.get(i), carried, added));
            carry.set(i, carried);
            sums.set(i, added);
          });
        });
        for (int64_t sum = 0; sum < Neuron::STEP; ++sum) {
          total(Neuron::LAYER + sum, totals[Neuron::LAYER + sum * T + t]);
        }
      }
    }
    for (int64_t sum = 0; sum < Neuron::LAYER; ++sum) {
      total(sum, totals[sum]);
    }
    for (int64_t part = 0; part < OWN; ++part) {
      std::copy_n(sums.row[SUMS - OWN + part], width, of_own + part * N + n);
    }
  }
};

}  // namespace
