// THE table of serial neurons in C++: their names, as `fused.serial` takes them.
#pragma once

#include <string_view>
#include <type_traits>

#include "fused_stateful.h"

template <class Neuron>
constexpr std::type_identity<Neuron> type{};

// Calls body with the type of the neuron of this name, with learned values or without; false if there is none.
template <class Real, class Body>
bool for_neuron(std::string_view name, bool learns, const Body& body) {
  const auto is = [&]<class Neuron>(std::string_view its, std::type_identity<Neuron> neuron) {
    const bool same = name == its && learns == (Neuron::LAYER + Neuron::STEP + Neuron::OWN > 0);
    if (same) {
      body(neuron);
    }
    return same;
  };
  return is("lif-none", type<Lif<Real, NONE, false>>) || is("lif-soft", type<Lif<Real, SOFT, false>>) ||
         is("lif-hard", type<Lif<Real, HARD, false>>) || is("lif-soft", type<Lif<Real, SOFT, true>>) ||
         is("lif-hard", type<Lif<Real, HARD, true>>) || is("psu", type<Psu<Real, false>>) ||
         is("rpsu", type<Psu<Real, true>>) || is("cuba-lif-soft", type<CubaLif<Real, SOFT, false>>) ||
         is("cuba-lif-hard", type<CubaLif<Real, HARD, false>>) ||
         is("cuba-lif-soft", type<CubaLif<Real, SOFT, true>>) ||
         is("cuba-lif-hard", type<CubaLif<Real, HARD, true>>) || is("clif", type<Clif<Real>>) ||
         is("glif", type<Glif<Real>>) || is("adlif", type<AdLif<Real>>) || is("tc-lif", type<TcLif<Real>>) ||
         is("ilif", type<Ilif<Real>>) || is("ternary-lif-soft", type<TernaryLif<Real, SOFT>>) ||
         is("ternary-lif-hard", type<TernaryLif<Real, HARD>>);
}
