// One time step of a row of neurons, for fused.cpp: the loops that the compiler turns into vector code.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

// Steps between two states that the forward pass keeps for the backward pass.
constexpr int64_t CHUNK = 16;

enum Reset { NONE, SOFT, HARD };

template <class Scalar>
using real_of = std::conditional_t<std::is_same_v<Scalar, double>, double, float>;

// Values as float or double; uint16_t holds the bits of a bfloat16, because no compiler vectorises c10's class.
inline double real(double value) { return value; }
inline float real(float value) { return value; }
inline float real(uint16_t bfloat16) { return std::bit_cast<float>(uint32_t(bfloat16) << 16); }

inline void put(double& to, double value) { to = value; }
inline void put(float& to, float value) { to = value; }
// To the nearest, ties to even.
inline void put(uint16_t& bfloat16, float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  bfloat16 = uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

template <class Scalar, class Real>
void put_spike(Scalar& to, Real potential, Real threshold) {
  put(to, potential >= threshold ? Real(1) : Real(0));
}

inline double logistic(double u) { return 1 / (1 + std::exp(-u)); }

// 1 / (1 + 2^y) with y = -u/ln 2 as whole part + rest in [-1/2, 1/2]. Added to LARGE, y is rounded to its whole
// part, which then stands in the last bits of the sum and goes from there into the exponent of 2^rest.
// The polynomial is the one of degree 5 with value 1 at 0 whose largest relative error is least, 9.2e-8.
inline float logistic(float u) {
  constexpr float LARGE = 3 << 22;
  float y = u * float(-1 / std::numbers::ln2);
  y = y < -126.0f ? -126.0f : y;
  y = y > 126.0f ? 126.0f : y;
  const float sum = y + LARGE, rest = y - (sum - LARGE);
  float power = 1.3264727e-3f;
  power = power * rest + 9.6715130e-3f;
  power = power * rest + 5.5507336e-2f;
  power = power * rest + 2.4022242e-1f;
  power = power * rest + 6.9314700e-1f;
  power = power * rest + 1.0f;
  const uint32_t bits = std::bit_cast<uint32_t>(power) + (std::bit_cast<uint32_t>(sum) << 23);
  return 1.0f / (1.0f + std::bit_cast<float>(bits));
}

// Derivative of the arctangent surrogate: 1 / (2/α + π² α/2 z²).
template <class Real>
struct Surrogate {
  Real flat, curved;
  explicit Surrogate(double alpha)
      : flat(2 / alpha), curved(std::numbers::pi * std::numbers::pi * alpha / 2) {}
  Real operator()(Real z) const { return 1 / (flat + curved * z * z); }
};

// h = keep v + gain x;  S = H(h - threshold);  v = h, h - threshold S, or (1 - S) h.
template <class Real>
struct SerialRow {
  Real keep, gain, threshold, input;
  Surrogate<Real> surrogate;

  SerialRow(double rate, bool decay_input, double threshold_, double alpha)
      : keep(1 - rate), gain(decay_input ? rate : 1), threshold(threshold_), input(decay_input), surrogate(alpha) {}

  template <int RESET>
  Real after(Real h) const {
    if constexpr (RESET == SOFT) {
      return h - (h >= threshold ? threshold : Real(0));
    } else if constexpr (RESET == HARD) {
      return h >= threshold ? Real(0) : h;
    }
    return h;
  }

  template <int RESET, class Scalar>
  void forward(const Scalar* __restrict x, Real* __restrict v, Scalar* __restrict s, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      const Real h = keep * v[i] + gain * real(x[i]);
      put_spike(s[i], h, threshold);
      v[i] = after<RESET>(h);
    }
  }

  template <int RESET, class Scalar>
  void again(const Scalar* __restrict x, const Real* __restrict v, Real* __restrict next, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      next[i] = after<RESET>(keep * v[i] + gain * real(x[i]));
    }
  }

  // From the gradients g of S and `carry` of v after the step: of x, and of v before it in `carry`.
  // Added to `sum`: dh/drate times the gradient of h.
  template <int RESET, bool DETACH, bool LEARN, class Scalar>
  void backward(const Scalar* __restrict g, const Scalar* __restrict x, const Real* __restrict v,
                Real* __restrict carry, Scalar* __restrict gx, Real* __restrict sum, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      const Real h = keep * v[i] + gain * real(x[i]);
      const Real later = carry[i];
      Real of_spike = real(g[i]);
      if constexpr (!DETACH && RESET == SOFT) {
        of_spike -= threshold * later;
      } else if constexpr (!DETACH && RESET == HARD) {
        of_spike -= h * later;
      }
      const Real through = RESET == HARD && h >= threshold ? Real(0) : later;
      const Real of_h = of_spike * surrogate(h - threshold) + through;
      put(gx[i], gain * of_h);
      carry[i] = keep * of_h;
      if constexpr (LEARN) {
        sum[i] += of_h * (input * real(x[i]) - v[i]);
      }
    }
  }
};

// u = leak u + gain x;  V = u - r;  S = H(V - threshold);  r = keep (r + scale σ(u)), or σ(q) if APART.
template <class Real>
struct PsuRow {
  Real leak, gain, keep, scale, threshold;
  Surrogate<Real> surrogate;

  PsuRow(double leak_, double gain_, double keep_, double scale_, double threshold_, double alpha)
      : leak(leak_), gain(gain_), keep(keep_), scale(scale_), threshold(threshold_), surrogate(alpha) {}

  template <bool APART, class Scalar>
  void forward(const Scalar* __restrict x, const Scalar* __restrict q, Real* __restrict u, Real* __restrict r,
               Scalar* __restrict s, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      u[i] = leak * u[i] + gain * real(x[i]);
      put_spike(s[i], u[i] - r[i], threshold);
      r[i] = keep * (r[i] + scale * logistic(APART ? real(q[i]) : u[i]));
    }
  }

  template <bool APART, class Scalar>
  void again(const Scalar* __restrict x, const Scalar* __restrict q, Real* __restrict u, Real* __restrict r,
             Real* __restrict V, Real* __restrict sigma, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      u[i] = leak * u[i] + gain * real(x[i]);
      V[i] = u[i] - r[i];
      sigma[i] = logistic(APART ? real(q[i]) : u[i]);
      r[i] = keep * (r[i] + scale * sigma[i]);
    }
  }

  // From the gradients g of S, and carry_u, carry_r of the state after the step.
  template <bool APART, class Scalar>
  void backward(const Scalar* __restrict g, const Real* __restrict V, const Real* __restrict sigma,
                Real* __restrict carry_u, Real* __restrict carry_r, Scalar* __restrict gx,
                Scalar* __restrict gq, int64_t width) const {
    for (int64_t i = 0; i < width; ++i) {
      const Real of_V = real(g[i]) * surrogate(V[i] - threshold);
      const Real of_q = keep * scale * carry_r[i] * sigma[i] * (1 - sigma[i]);
      const Real of_u = of_V + leak * carry_u[i] + (APART ? Real(0) : of_q);
      if constexpr (APART) {
        put(gq[i], of_q);
      }
      put(gx[i], gain * of_u);
      carry_u[i] = of_u;
      carry_r[i] = keep * carry_r[i] - of_V;
    }
  }
};
