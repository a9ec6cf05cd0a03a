// V[t] = Σ_{j<k} w[t,j] x[t-j] + b[t];  S = H(V): a causal band of weights, in O(kT), for CPUs.
#pragma once

#include <ATen/ops/zeros.h>

#include <tuple>
#include <vector>

#include "fused_blocks.h"

namespace {

// Neurons whose potentials stay in registers while the lags go by.
constexpr int64_t LANES = 64;

// w[t,j] and b[t]; with one row they are the same at every step.
template <class Scalar>
struct Band {
  const Scalar *weights, *bias;
  int64_t k, weight_stride, bias_stride;

  real_of<Scalar> weight(int64_t t, int64_t lag) const { return real(weights[t * weight_stride + lag]); }
  int64_t lags(int64_t t) const { return std::min(k, t + 1); }

  // V of `width` <= LANES neurons, x at step t; rows are N apart.
  void potential(const Scalar* x, int64_t N, int64_t t, real_of<Scalar>* V, int64_t width) const {
    real_of<Scalar> sum[LANES];
    std::fill_n(sum, LANES, real(bias[t * bias_stride]));
    if (width == LANES) {
      for (int64_t j = 0; j < lags(t); ++j) {
        add(sum, weight(t, j), x - j * N, LANES);
      }
    } else {
      for (int64_t j = 0; j < lags(t); ++j) {
        add(sum, weight(t, j), x - j * N, width);
      }
    }
    std::copy_n(sum, width, V);
  }

  template <class Value>
  static void add(real_of<Scalar>* sum, real_of<Scalar> weight, const Value* from, int64_t width) {
    for (int64_t i = 0; i < width; ++i) {
      sum[i] += weight * real(from[i]);
    }
  }
};

template <class Scalar>
Band<Scalar> band_of(const Tensor& weights, const Tensor& bias) {
  return {read<Scalar>(weights), read<Scalar>(bias), weights.size(1),
          weights.size(0) == 1 ? 0 : weights.size(1), bias.numel() == 1 ? 0 : 1};
}

void check_band(const Tensor& x, const Tensor& weights, const Tensor& bias) {
  const int64_t T = x.size(0);
  TORCH_CHECK(weights.dim() == 2 && (weights.size(0) == 1 || weights.size(0) == T), "weights are [1 or T, k]");
  TORCH_CHECK(bias.numel() == 1 || bias.numel() == T, "bias has 1 or T entries");
  TORCH_CHECK(weights.dtype() == x.dtype() && bias.dtype() == x.dtype(), "weights and bias have the dtype of x");
}

Tensor band(const Tensor& input, const Tensor& weights_, const Tensor& bias_, double) {
  const Tensor x = input.contiguous(), weights = weights_.contiguous(), bias = bias_.contiguous();
  check_band(x, weights, bias);
  const Tensor spikes = like(x);
  const int64_t T = x.size(0), N = x.numel() / T;
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    using Real = real_of<Scalar>;
    const Band<Scalar> mix = band_of<Scalar>(weights, bias);
    const Scalar* in = read<Scalar>(x);
    Scalar* out = written<Scalar>(spikes);
    for_blocks(T, N, forward_width(N), [&](int64_t n, int64_t width, int64_t) {
      for (int64_t t = 0; t < T; ++t) {
        for (int64_t i = 0; i < width; i += LANES) {
          Real V[LANES];
          const int64_t at = t * N + n + i, lanes = std::min(LANES, width - i);
          const int64_t next = t + 1 < T ? at + N : at;
          prefetch<false>(in + next, lanes);
          prefetch<true>(out + next, lanes);
          mix.potential(in + at, N, t, V, lanes);
          for (int64_t lane = 0; lane < lanes; ++lane) {
            put(out[at + lane], heaviside(V[lane], Real(0)));
          }
        }
      }
    });
  });
  return spikes;
}

template <class Real, class Scalar>
Real dot(const Real* __restrict a, const Scalar* __restrict b, int64_t width) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; ++i) {
    sum += a[i] * real(b[i]);
  }
  return sum;
}

// One block backwards: V again, its gradient into a ring of k rows, from there into gx and the weights' sums.
template <class Scalar>
void band_block(const Band<Scalar>& mix, const Scalar* g, const Scalar* x, Scalar* gx, int64_t T, int64_t N,
                int64_t width, const Arctangent<real_of<Scalar>>& surrogate, double* of_weights, double* of_bias) {
  using Real = real_of<Scalar>;
  const int64_t k = mix.k;
  std::vector<Real> ring(k * BLOCK);
  std::vector<Real> ones(BLOCK, Real(1));
  for (int64_t t = T - 1; t >= 0; --t) {
    Real* of_V = ring.data() + t % k * BLOCK;
    for (int64_t i = 0; i < width; i += LANES) {
      const int64_t at = t * N + i, lanes = std::min(LANES, width - i);
      const int64_t next = t > 0 ? at - N : at;
      prefetch<false>(g + next, lanes);
      prefetch<true>(gx + next, lanes);
      prefetch<false>(x + std::max<int64_t>(0, t - k) * N + i, lanes);
      mix.potential(x + at, N, t, of_V + i, lanes);
    }
    for (int64_t i = 0; i < width; ++i) {
      of_V[i] = real(g[t * N + i]) * surrogate(of_V[i]);
    }
    for (int64_t i = 0; i < width; i += LANES) {
      const int64_t lanes = std::min(LANES, width - i);
      Real sum[LANES] = {};
      for (int64_t j = 0; j < std::min(k, T - t); ++j) {
        const Real weight = mix.weight(t + j, j);
        const Real* from = ring.data() + (t + j) % k * BLOCK + i;
        if (lanes == LANES) {
          Band<Scalar>::add(sum, weight, from, LANES);
        } else {
          Band<Scalar>::add(sum, weight, from, lanes);
        }
      }
      for (int64_t lane = 0; lane < lanes; ++lane) {
        put(gx[t * N + i + lane], sum[lane]);
      }
    }
    for (int64_t j = 0; j < mix.lags(t); ++j) {
      of_weights[t * mix.weight_stride + j] += dot(of_V, x + (t - j) * N, width);
    }
    of_bias[t * mix.bias_stride] += dot(of_V, ones.data(), width);
  }
}

std::tuple<Tensor, Tensor, Tensor> band_backward(const Tensor& gradient, const Tensor& input,
                                                 const Tensor& weights_, const Tensor& bias_, double alpha) {
  const Tensor x = input.contiguous(), g = gradient.contiguous(), gx = like(x);
  const Tensor weights = weights_.contiguous(), bias = bias_.contiguous();
  check_band(x, weights, bias);
  const int64_t T = x.size(0), N = x.numel() / T, slots = at::get_num_threads();
  const Tensor of_weights = at::zeros({slots, weights.size(0), weights.size(1)}, at::kDouble);
  const Tensor of_bias = at::zeros({slots, bias.numel()}, at::kDouble);
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    const Band<Scalar> mix = band_of<Scalar>(weights, bias);
    const Arctangent<real_of<Scalar>> surrogate(alpha);
    const Scalar *in = read<Scalar>(x), *due = read<Scalar>(g);
    Scalar* out = written<Scalar>(gx);
    double *weight_sums = of_weights.mutable_data_ptr<double>(), *bias_sums = of_bias.mutable_data_ptr<double>();
    for_blocks(T, N, BLOCK, [&](int64_t n, int64_t width, int64_t slot) {
      band_block(mix, due + n, in + n, out + n, T, N, width, surrogate, weight_sums + slot * weights.numel(),
                 bias_sums + slot * bias.numel());
    });
  });
  return {gx, of_weights.sum(0).to(weights.scalar_type()),
          of_bias.sum(0).view_as(bias).to(bias.scalar_type())};
}

}  // namespace
