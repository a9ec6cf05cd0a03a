// Serial neurons from the literature, as fused_lif.h describes: several states, or more than two outputs.
#pragma once

#include "fused_lif.h"

// I = c I + x;  h = d v + I;  S = H(h - Vth).
template <class Real, int RESET, bool LEARN>
struct CubaLif : Plain {
  static constexpr int64_t NUMBERS = LEARN ? 3 : 5, STATES = 2, LAYER = LEARN ? 2 : 0, KEPT = LEARN ? 3 : 1;
  Real threshold, c, d;
  Box<Real> surrogate;
  Resetting<Real, RESET> reset;

  CubaLif(const double* n, const double* learned)
      : threshold(n[0]), c(LEARN ? learned[0] : n[3]), d(LEARN ? learned[1] : n[4]), surrogate(n[1]),
        reset(n[0], n[2] != 0) {}

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 2>& state, Array<Real, KEPT>& kept) const {
    const auto [v, before] = state;
    const Real current = c * before + x[0], h = d * v + current;
    if constexpr (LEARN) {
      kept = {h, v, before};
    } else {
      kept = {h};
    }
    state = {reset.after(h, h >= threshold), current};
    return heaviside(h, threshold);
  }

  Array<Real, 1> back(Real g, Array<Real, 1>, Array<Real, 0>, Array<Real, KEPT> kept, Array<Real, 2>& carry,
                      Array<Real, LAYER>& sums) const {
    const Real h = kept[0], of_spike = g + reset.of_spike(h, carry[0]);
    const Real of_h = of_spike * surrogate(h - threshold) + reset.of_h(h >= threshold, carry[0]);
    const Real of_current = carry[1] + of_h;
    if constexpr (LEARN) {
      sums[0] += of_current * kept[2];
      sums[1] += of_h * kept[1];
    }
    carry = {d * of_h, c * of_current};
    return {of_current};
  }
};

// h = β v + x;  S = H(h - Vth);  m = m σ(h/τ) + S;  v = h - S (Vth + σ(m)).
template <class Real>
struct Clif : Plain {
  static constexpr int64_t NUMBERS = 3, STATES = 2, KEPT = 4;
  Real threshold, rate, keep;
  Box<Real> surrogate;

  Clif(const double* n, const double*) : threshold(n[0]), rate(n[2]), keep(1 - n[2]), surrogate(n[1]) {}

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 2>& state, Array<Real, 4>& kept) const {
    const auto [v, before] = state;
    const Real h = keep * v + x[0], s = heaviside(h, threshold);
    const Real decay = logistic(rate * h), m = before * decay + s, depth = logistic(m);
    kept = {h, before, decay, depth};
    state = {h - s * (threshold + depth), m};
    return s;
  }

  Array<Real, 1> back(Real g, Array<Real, 1>, Array<Real, 0>, Array<Real, 4> kept, Array<Real, 2>& carry,
                      Array<Real, 0>&) const {
    const auto [h, before, decay, depth] = kept;
    const Real of_v = carry[0], of_m = carry[1] - of_v * heaviside(h, threshold) * depth * (1 - depth);
    const Real of_spike = g - of_v * (threshold + depth) + of_m;
    const Real of_h = of_spike * surrogate(h - threshold) + of_v + of_m * before * decay * (1 - decay) * rate;
    carry = {keep * of_h, of_m * decay};
    return {of_h};
  }
};

// h = keep v + gain[t] x - leak - S (sub + erased v), S of the step before;  S = H(h - Vth);  v = h.
template <class Real>
struct Glif : Plain {
  static constexpr int64_t NUMBERS = 1, STATES = 2, KEPT = 3, LAYER = 5, STEP = 1;
  Real keep, leak, erased, sub, threshold, gain = 0;
  const double* gains;
  Box<Real> surrogate;

  Glif(const double* n, const double* learned)
      : keep(learned[0]), leak(learned[1]), erased(learned[2]), sub(learned[3]), threshold(learned[4]),
        gains(learned + LAYER), surrogate(n[0]) {}

  void at(int64_t t) { gain = gains[t]; }

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 2>& state, Array<Real, 3>& kept) const {
    const auto [v, before] = state;
    const Real h = keep * v + gain * x[0] - leak - before * (sub + erased * v), s = heaviside(h, threshold);
    kept = {h, v, before};
    state = {h, s};
    return s;
  }

  Array<Real, 1> back(Real g, Array<Real, 1> x, Array<Real, 0>, Array<Real, 3> kept, Array<Real, 2>& carry,
                      Array<Real, 6>& sums) const {
    const auto [h, v, before] = kept;
    const Real by_threshold = (g + carry[1]) * surrogate(h - threshold), of_h = carry[0] + by_threshold;
    const Real of_reset = of_h * before;
    sums[0] += of_h * v;
    sums[1] -= of_h;
    sums[2] -= of_reset * v;
    sums[3] -= of_reset;
    sums[4] -= by_threshold;
    sums[5] += of_h * x[0];
    carry = {of_h * (keep - before * erased), -of_h * (sub + erased * v)};
    return {gain * of_h};
  }
};

// w = bw w + a u + b S;  u = al (u - S) + gain (x - w) with u and S of the step before;  S = 1 for u > Vth.
template <class Real>
struct AdLif : Plain {
  static constexpr int64_t NUMBERS = 2, STATES = 3, KEPT = 3, OWN = 5;
  Real threshold;
  Box<Real> surrogate;

  AdLif(const double* n, const double*) : threshold(n[0]), surrogate(n[1]) {}

  Real step(Array<Real, 1> x, Array<Real, 5> own, Array<Real, 3>& state, Array<Real, 3>& kept) const {
    const auto [al, gain, bw, a, b] = own;
    const auto [u, s, w] = kept = state;
    const Real adapted = bw * w + a * u + b * s, potential = al * (u - s) + gain * (x[0] - adapted);
    const Real fired = potential > threshold ? Real(1) : Real(0);
    state = {potential, fired, adapted};
    return fired;
  }

  Array<Real, 1> back(Real g, Array<Real, 1> x, Array<Real, 5> own, Array<Real, 3> kept, Array<Real, 3>& carry,
                      Array<Real, 5>& sums) const {
    const auto [al, gain, bw, a, b] = own;
    const auto [u, s, w] = kept;
    const Real adapted = bw * w + a * u + b * s, drive = x[0] - adapted, potential = al * (u - s) + gain * drive;
    const Real of_u = carry[0] + (g + carry[1]) * surrogate(potential - threshold), of_w = carry[2] - gain * of_u;
    sums[0] += of_u * (u - s);
    sums[1] += of_u * drive;
    sums[2] += of_w * w;
    sums[3] += of_w * u;
    sums[4] += of_w * s;
    carry = {al * of_u + a * of_w, b * of_w - al * of_u, bw * of_w};
    return {gain * of_u};
  }
};

// v1 = v1 - c v2 + x;  v2 = v2 + d v1;  S = H(v2 - Vth);  v1 = v1 - γ S;  v2 = v2 - Vth S.
template <class Real>
struct TcLif : Plain {
  static constexpr int64_t NUMBERS = 3, STATES = 2, KEPT = 3, LAYER = 2;
  Real gamma, threshold, c, d;
  Triangle<Real> surrogate;

  TcLif(const double* n, const double* learned)
      : gamma(n[2]), threshold(n[0]), c(learned[0]), d(learned[1]), surrogate(n[1]) {}

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 2>& state, Array<Real, 3>& kept) const {
    const auto [v1, before] = state;
    const Real dendrite = v1 - c * before + x[0], soma = before + d * dendrite, s = heaviside(soma, threshold);
    kept = {dendrite, soma, before};
    state = {dendrite - gamma * s, soma - threshold * s};
    return s;
  }

  Array<Real, 1> back(Real g, Array<Real, 1>, Array<Real, 0>, Array<Real, 3> kept, Array<Real, 2>& carry,
                      Array<Real, 2>& sums) const {
    const auto [dendrite, soma, before] = kept;
    const Real of_spike = g - gamma * carry[0] - threshold * carry[1];
    const Real of_soma = carry[1] + of_spike * surrogate(soma - threshold), of_dendrite = carry[0] + d * of_soma;
    sums[0] -= of_dendrite * before;
    sums[1] += of_soma * dendrite;
    carry = {of_dendrite, of_soma - c * of_dendrite};
    return {of_dendrite};
  }
};

// h = β v + x;  C = round(clip(h/Vth, 0, D)), halves to the even number;  v = h - Vth C.
template <class Real>
struct Ilif : Plain {
  static constexpr int64_t NUMBERS = 4;
  Real threshold, keep, most, felt;

  Ilif(const double* n, const double*) : threshold(n[0]), keep(1 - n[1]), most(n[2]), felt(n[3] != 0 ? 0 : 1) {}

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 1>& v, Array<Real, 1>& kept) const {
    const Real h = keep * v[0] + x[0], z = h / threshold;
    const Real count = std::nearbyint(z < 0 ? Real(0) : z > most ? most : z);
    kept = {h};
    v = {h - threshold * count};
    return count;
  }

  Array<Real, 1> back(Real g, Array<Real, 1>, Array<Real, 0>, Array<Real, 1> kept, Array<Real, 1>& carry,
                      Array<Real, 0>&) const {
    const Real z = kept[0] / threshold, of_count = g - felt * threshold * carry[0];
    const Real of_h = (z >= 0 && z <= most ? of_count / threshold : Real(0)) + carry[0];
    carry = {keep * of_h};
    return {of_h};
  }
};

// h = β v + x;  S = H(h - Vth) - H(-h - Vth);  v = h - Vth S or h (1 - |S|).
template <class Real, int RESET>
struct TernaryLif : Plain {
  static constexpr int64_t NUMBERS = 4;
  Real threshold, keep;
  Logistic<Real> surrogate;
  Resetting<Real, RESET> reset;

  TernaryLif(const double* n, const double*)
      : threshold(n[0]), keep(1 - n[3]), surrogate(n[1]), reset(n[0], n[2] != 0) {}

  Real step(Array<Real, 1> x, Array<Real, 0>, Array<Real, 1>& v, Array<Real, 1>& kept) const {
    const Real h = keep * v[0] + x[0], up = heaviside(h, threshold), down = heaviside(-h, threshold);
    kept = {h};
    v = {RESET == SOFT ? h - threshold * (up - down) : reset.after(h, up + down > 0)};
    return up - down;
  }

  Array<Real, 1> back(Real g, Array<Real, 1>, Array<Real, 0>, Array<Real, 1> kept, Array<Real, 1>& carry,
                      Array<Real, 0>&) const {
    const Real h = kept[0], up = surrogate(h - threshold), down = surrogate(-h - threshold);
    const Real of_taken = reset.of_spike(h, carry[0]), taken = RESET == SOFT ? up + down : up - down;
    const bool fired = h >= threshold || -h >= threshold;
    const Real of_h = g * (up + down) + of_taken * taken + reset.of_h(fired, carry[0]);
    carry = {keep * of_h};
    return {of_h};
  }
};

