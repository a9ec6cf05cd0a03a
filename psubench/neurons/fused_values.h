// Values of the dtypes, the logistic function, and surrogate gradients, all in a form that becomes vector code.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

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

// H(V - Vth).
template <class Real>
Real heaviside(Real V, Real threshold) {
  return V >= threshold ? Real(1) : Real(0);
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

// Derivatives of the surrogates by z = V - Vth; surrogate.py has the same.

// Of the arctangent: 1 / (2/α + π² α/2 z²).
template <class Real>
struct Arctangent {
  Real flat, curved;
  explicit Arctangent(double alpha) : flat(2 / alpha), curved(std::numbers::pi * std::numbers::pi * alpha / 2) {}
  Real operator()(Real z) const { return 1 / (flat + curved * z * z); }
};

// α for |z| < 1/(2 α).
template <class Real>
struct Box {
  Real height, half;
  explicit Box(double alpha) : height(alpha), half(0.5 / alpha) {}
  Real operator()(Real z) const { return std::abs(z) < half ? height : Real(0); }
};

// α max(0, 1 - α |z|).
template <class Real>
struct Triangle {
  Real height;
  explicit Triangle(double alpha) : height(alpha) {}
  Real operator()(Real z) const {
    const Real share = 1 - height * std::abs(z);
    return height * (share > 0 ? share : Real(0));
  }
};

// α σ(α z)(1 - σ(α z)).
template <class Real>
struct Logistic {
  Real steepness;
  explicit Logistic(double alpha) : steepness(alpha) {}
  Real operator()(Real z) const {
    const Real p = logistic(steepness * z);
    return steepness * p * (1 - p);
  }
};
