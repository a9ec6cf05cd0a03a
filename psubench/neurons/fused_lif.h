// Serial neurons for fused_serial.h: one step, and that step backwards. Sources of the equations: table.py.
//
// A neuron is built from its `numbers`, in the order in which its constructor reads them, and from `learned`: LAYER
// values per layer, STEP per time step and OWN per channel. `step` turns the state before a step into that after
// it, and sets `kept` to what `back` needs. `back` turns `carry`, the gradient of the state after the step, into
// that of the state before it; returns the gradient of the inputs; and adds those of the learned values to `sums`.
#pragma once

#include <array>

#include "fused_values.h"

enum Reset { NONE, SOFT, HARD };

template <class Real, size_t COUNT>
using Array = std::array<Real, COUNT>;

// What a neuron has unless it says otherwise.
struct Plain {
  static constexpr int64_t INPUTS = 1, STATES = 1, KEPT = 1, LAYER = 0, STEP = 0, OWN = 0;
  void at(int64_t) {}  // before the step with this number
};

// v = h - Vth s, or (1 - s) h; `felt` is 0 where the reset is left out of the gradient, else 1.
template <class Real, int RESET>
struct Resetting {
  Real threshold, felt;
  Resetting(double threshold_, bool detach) : threshold(threshold_), felt(detach ? 0 : 1) {}

  Real after(Real h, bool fired) const {
    return RESET == SOFT ? h - (fired ? threshold : Real(0)) : RESET == HARD && fired ? Real(0) : h;
  }
  // The gradients of s and h through v, from that of v.
  Real of_spike(Real h, Real of_v) const {
    return RESET == SOFT ? -felt * threshold * of_v : RESET == HARD ? -felt * h * of_v : Real(0);
  }
  Real of_h(bool fired, Real of_v) const { return RESET == HARD && fired ? Real(0) : of_v; }
};

// if, lif, lif-noreset, plif: h = (1 - rate) v + gain x, gain = rate or 1; S = H(h - Vth).
template <class Real, int RESET, bool LEARN>
struct Lif : Plain {
  static constexpr int64_t NUMBERS = LEARN ? 4 : 5, LAYER = LEARN;
  Real input, threshold, keep, gain;
  Arctangent<Real> surrogate;
  Resetting<Real, RESET> reset;

  Lif(const double* n, const double* learned)
      : input(n[0]), threshold(n[1]), surrogate(n[2]), reset(n[1], n[3] != 0) {
    const double rate = LEARN ? learned[0] : n[4];
    keep = 1 - rate;
    gain = n[0] != 0 ? rate : 1;
  }

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 1>& v, Array<Real, 1>& kept) const {
    const Real h = keep * v[0] + gain * x[0];
    kept = {LEARN ? v[0] : h};
    v = {reset.after(h, h >= threshold)};
    return heaviside(h, threshold);
  }

  Array<Real, 1> back(Real g, Array<Real, 1> x, Array<Real, 0>, Array<Real, 1> kept, Array<Real, 1>& carry,
                      Array<Real, LAYER>& sums) const {
    const Real h = LEARN ? keep * kept[0] + gain * x[0] : kept[0], of_spike = g + reset.of_spike(h, carry[0]);
    const Real of_h = of_spike * surrogate(h - threshold) + reset.of_h(h >= threshold, carry[0]);
    carry = {keep * of_h};
    if constexpr (LEARN) {
      sums[0] += of_h * (input * x[0] - kept[0]);
    }
    return {gain * of_h};
  }
};

// psu, ipsu after its product (leak 0); rpsu with q, the argument of its estimate, as a second input:
// u = leak u + gain x;  V = u - r;  S = H(V - Vth);  r = keep (r + scale σ(u or q)).
template <class Real, bool APART>
struct Psu : Plain {
  static constexpr int64_t NUMBERS = 6, INPUTS = 1 + APART, STATES = 2, KEPT = 2;
  Real leak, gain, keep, scale, threshold;
  Arctangent<Real> surrogate;

  Psu(const double* n, const double*)
      : leak(n[0]), gain(n[1]), keep(n[2]), scale(n[3]), threshold(n[4]), surrogate(n[5]) {}

  Real step(Array<Real, INPUTS> x, Array<Real, 0>, Array<Real, 2>& state, Array<Real, 2>& kept) const {
    const Real u = leak * state[0] + gain * x[0], V = u - state[1];
    const Real sigma = logistic(APART ? x[INPUTS - 1] : u);
    kept = {V, sigma};
    state = {u, keep * (state[1] + scale * sigma)};
    return heaviside(V, threshold);
  }

  Array<Real, INPUTS> back(Real g, Array<Real, INPUTS>, Array<Real, 0>, Array<Real, 2> kept, Array<Real, 2>& carry,
                           Array<Real, 0>&) const {
    const Real sigma = kept[1], of_V = g * surrogate(kept[0] - threshold);
    const Real of_q = keep * scale * carry[1] * sigma * (1 - sigma);
    const Real of_u = of_V + leak * carry[0] + (APART ? Real(0) : of_q);
    carry = {of_u, keep * carry[1] - of_V};
    if constexpr (APART) {
      return {gain * of_u, of_q};
    } else {
      return {gain * of_u};
    }
  }
};

