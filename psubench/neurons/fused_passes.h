// Spiking neurons in one pass over time, forward and backward, for CPUs.
//
// Tensors are [T, N], time first. A task takes a block of neurons through all of time: its state stays in
// the first-level cache, and what is read and written is the input and the output, once. For the backward
// pass the forward pass leaves the state at every CHUNK-th step; between two of them it is computed again.
// State and sums are float for float and bfloat16, double for double. Sources of the equations: table.py.
#pragma once

#include <ATen/ops/empty.h>

#include <optional>
#include <tuple>
#include <vector>

#include "fused_blocks.h"

namespace {

int64_t chunks(int64_t T) { return (T - 1) / CHUNK; }

// State of every neuron at the first step of each chunk but the first: [chunks - 1, parts, N].
Tensor checkpoints(const Tensor& x, int64_t parts, bool wanted) {
  const int64_t T = x.size(0);
  const auto dtype = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return at::empty({wanted ? chunks(T) : 0, parts, x.numel() / T}, x.options().dtype(dtype));
}

// ---- if, lif, lif-noreset, plif; with rate 1 just the step function ------------------------------------

struct Serial {
  double rate;
  bool decay_input;
  double threshold, alpha;
  int64_t reset;
  bool detach_reset;
};

double rate_of(double rate, const std::optional<Tensor>& learned) {
  return learned.has_value() ? learned->item<double>() : rate;
}

std::tuple<Tensor, Tensor> serial_run(const Tensor& input, const Serial& p, bool train) {
  const Tensor x = input.contiguous(), spikes = like(x), states = checkpoints(x, 1, train);
  const int64_t T = x.size(0), N = x.numel() / T;
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    using Real = real_of<Scalar>;
    const SerialRow<Real> row(p.rate, p.decay_input, p.threshold, p.alpha);
    const Scalar* in = read<Scalar>(x);
    Scalar* out = written<Scalar>(spikes);
    Real* kept = states.mutable_data_ptr<Real>();
    for_reset(p.reset, [&](auto reset) {
      for_blocks(T, N, forward_width(N), [&](int64_t n, int64_t width, int64_t) {
        alignas(64) Real v[WIDE] = {};
        for (int64_t t = 0; t < T; ++t) {
          if (train && t > 0 && t % CHUNK == 0) {
            std::copy_n(v, width, kept + (t / CHUNK - 1) * N + n);
          }
          const int64_t at = t * N + n, next = std::min(t + 1, T - 1) * N + n;
          for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
            prefetch<false>(in + next + i, ahead);
            prefetch<true>(out + next + i, ahead);
            row.template forward<decltype(reset)::value>(in + at + i, v + i, out + at + i, lanes);
          });
        }
      });
    });
  });
  return {spikes, states};
}

Tensor serial(const Tensor& x, double rate, const std::optional<Tensor>& learned, bool decay_input,
              double threshold, double alpha, int64_t reset, bool detach_reset) {
  const Serial p{rate_of(rate, learned), decay_input, threshold, alpha, reset, detach_reset};
  return std::get<0>(serial_run(x, p, false));
}

std::tuple<Tensor, Tensor> serial_train(const Tensor& x, double rate, const std::optional<Tensor>& learned,
                                        bool decay_input, double threshold, double alpha, int64_t reset,
                                        bool detach_reset) {
  const Serial p{rate_of(rate, learned), decay_input, threshold, alpha, reset, detach_reset};
  return serial_run(x, p, true);
}

// Gradients of the input and, in the dtype of the states and of shape [], of the rate.
std::tuple<Tensor, Tensor> serial_backward(const Tensor& gradient, const Tensor& input, const Tensor& states,
                                           double rate, const std::optional<Tensor>& learned,
                                           bool decay_input, double threshold, double alpha, int64_t reset,
                                           bool detach_reset) {
  const Tensor x = input.contiguous(), g = gradient.contiguous(), gx = like(x);
  const int64_t T = x.size(0), N = x.numel() / T;
  const int64_t wide = block_width(N, BLOCK);
  std::vector<double> sums((N + wide - 1) / wide);  // one per block: the order of threads does not matter
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    using Real = real_of<Scalar>;
    const SerialRow<Real> row(rate_of(rate, learned), decay_input, threshold, alpha);
    const Scalar *in = read<Scalar>(x), *due = read<Scalar>(g);
    Scalar* out = written<Scalar>(gx);
    const Real* kept = states.const_data_ptr<Real>();
    const auto block = [&](auto reset, auto detach, auto learn, int64_t n, int64_t width) {
      constexpr int R = decltype(reset)::value;
      alignas(64) Real v[CHUNK][BLOCK], carry[BLOCK] = {}, sum[BLOCK] = {};
      for (int64_t chunk = chunks(T); chunk >= 0; --chunk) {
        const int64_t first = chunk * CHUNK, last = std::min(T, first + CHUNK) - 1;
        if (chunk > 0) {
          std::copy_n(kept + (chunk - 1) * N + n, width, v[0]);
        } else {
          std::fill_n(v[0], width, Real(0));
        }
        for (int64_t t = first; t < last; ++t) {
          const int64_t at = t * N + n;
          Real *now = v[t - first], *next = v[t - first + 1];
          for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
            prefetch<false>(due + at + i, ahead);
            prefetch<true>(out + at + i, ahead);
            row.template again<R>(in + at + i, now + i, next + i, lanes);
          });
        }
        for (int64_t t = last; t >= first; --t) {
          const int64_t at = t * N + n, before = std::max<int64_t>(0, t - CHUNK) * N + n;
          const Real* now = v[t - first];
          for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
            prefetch<false>(in + before + i, ahead);
            row.template backward<R, decltype(detach)::value, decltype(learn)::value>(
                due + at + i, in + at + i, now + i, carry + i, out + at + i, sum + i, lanes);
          });
        }
      }
      for (int64_t i = 0; i < width; ++i) {
        sums[n / wide] += sum[i];
      }
    };
    for_reset(reset, [&](auto reset_) {
      for_flag(detach_reset, [&](auto detach) {
        for_flag(learned.has_value(), [&](auto learn) {
          for_blocks(T, N, BLOCK, [&](int64_t n, int64_t width, int64_t) { block(reset_, detach, learn, n, width); });
        });
      });
    });
  });
  double total = 0;
  for (const double sum : sums) {
    total += sum;
  }
  return {gx, at::empty({}, states.options()).fill_(total)};
}

// ---- psu; ipsu after its product (leak 0); rpsu with q, the argument of its estimate -------------------

struct Psu {
  double leak, gain, keep, scale, threshold, alpha;
};

std::tuple<Tensor, Tensor> psu_run(const Tensor& input, const std::optional<Tensor>& argument, const Psu& p,
                                   bool train) {
  const Tensor x = input.contiguous(), spikes = like(x), states = checkpoints(x, 2, train);
  const Tensor q = argument.has_value() ? argument->contiguous() : x;
  const int64_t T = x.size(0), N = x.numel() / T;
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    using Real = real_of<Scalar>;
    const PsuRow<Real> row(p.leak, p.gain, p.keep, p.scale, p.threshold, p.alpha);
    const Scalar *in = read<Scalar>(x), *by = read<Scalar>(q);
    Scalar* out = written<Scalar>(spikes);
    Real* kept = states.mutable_data_ptr<Real>();
    for_flag(argument.has_value(), [&](auto apart) {
      constexpr bool APART = decltype(apart)::value;
      for_blocks(T, N, forward_width(N), [&](int64_t n, int64_t width, int64_t) {
        alignas(64) Real u[WIDE] = {}, r[WIDE] = {};
        for (int64_t t = 0; t < T; ++t) {
          if (train && t > 0 && t % CHUNK == 0) {
            std::copy_n(u, width, kept + (t / CHUNK * 2 - 2) * N + n);
            std::copy_n(r, width, kept + (t / CHUNK * 2 - 1) * N + n);
          }
          const int64_t at = t * N + n, next = std::min(t + 1, T - 1) * N + n;
          for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
            prefetch<false>(in + next + i, ahead);
            if constexpr (APART) {
              prefetch<false>(by + next + i, ahead);
            }
            prefetch<true>(out + next + i, ahead);
            row.template forward<APART>(in + at + i, by + at + i, u + i, r + i, out + at + i, lanes);
          });
        }
      });
    });
  });
  return {spikes, states};
}

Tensor psu(const Tensor& x, const std::optional<Tensor>& q, double leak, double gain, double keep, double scale,
           double threshold, double alpha) {
  return std::get<0>(psu_run(x, q, {leak, gain, keep, scale, threshold, alpha}, false));
}

std::tuple<Tensor, Tensor> psu_train(const Tensor& x, const std::optional<Tensor>& q, double leak, double gain,
                                     double keep, double scale, double threshold, double alpha) {
  return psu_run(x, q, {leak, gain, keep, scale, threshold, alpha}, true);
}

// Gradients of the input and of q; the second is empty without q.
std::tuple<Tensor, Tensor> psu_backward(const Tensor& gradient, const Tensor& input,
                                        const std::optional<Tensor>& argument, const Tensor& states, double leak,
                                        double gain, double keep, double scale, double threshold, double alpha) {
  const Tensor x = input.contiguous(), g = gradient.contiguous(), gx = like(x);
  const Tensor q = argument.has_value() ? argument->contiguous() : x;
  const Tensor gq = argument.has_value() ? like(x) : at::empty({0}, x.options());
  const int64_t T = x.size(0), N = x.numel() / T;
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    using Real = real_of<Scalar>;
    const PsuRow<Real> row(leak, gain, keep, scale, threshold, alpha);
    const Scalar *in = read<Scalar>(x), *by = read<Scalar>(q);
    const Scalar* due = read<Scalar>(g);
    Scalar *out = written<Scalar>(gx), *out_q = written<Scalar>(gq);
    const Real* kept = states.const_data_ptr<Real>();
    for_flag(argument.has_value(), [&](auto apart) {
      constexpr bool APART = decltype(apart)::value;
      for_blocks(T, N, BLOCK, [&](int64_t n, int64_t width, int64_t) {
        alignas(64) Real V[CHUNK][BLOCK], sigma[CHUNK][BLOCK];
        alignas(64) Real u[BLOCK], r[BLOCK], carry_u[BLOCK] = {}, carry_r[BLOCK] = {};
        for (int64_t chunk = chunks(T); chunk >= 0; --chunk) {
          const int64_t first = chunk * CHUNK, last = std::min(T, first + CHUNK) - 1;
          if (chunk > 0) {
            std::copy_n(kept + (chunk * 2 - 2) * N + n, width, u);
            std::copy_n(kept + (chunk * 2 - 1) * N + n, width, r);
          } else {
            std::fill_n(u, width, Real(0));
            std::fill_n(r, width, Real(0));
          }
          for (int64_t t = first; t <= last; ++t) {
            const int64_t at = t * N + n;
            Real *V_now = V[t - first], *sigma_now = sigma[t - first];
            for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
              prefetch<false>(due + at + i, ahead);
              prefetch<true>(out + at + i, ahead);
              if constexpr (APART) {
                prefetch<true>(out_q + at + i, ahead);
              }
              row.template again<APART>(in + at + i, by + at + i, u + i, r + i, V_now + i, sigma_now + i, lanes);
            });
          }
          for (int64_t t = last; t >= first; --t) {
            const int64_t at = t * N + n, before = std::max<int64_t>(0, t - CHUNK) * N + n;
            const Real *V_now = V[t - first], *sigma_now = sigma[t - first];
            for_strips(N, width, [&](int64_t i, int64_t lanes, int64_t ahead) {
              prefetch<false>(in + before + i, ahead);
              if constexpr (APART) {
                prefetch<false>(by + before + i, ahead);
              }
              row.template backward<APART>(due + at + i, V_now + i, sigma_now + i, carry_u + i, carry_r + i,
                                           out + at + i, APART ? out_q + at + i : nullptr, lanes);
            });
          }
        }
      });
    });
  });
  return {gx, gq};
}

}  // namespace
