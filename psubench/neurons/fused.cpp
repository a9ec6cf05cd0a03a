// Operators of the library `psubench` for torch: schemas, kernels for CPUs, and their derivatives.
//
// X is the forward pass, X_train the same with what the backward pass needs, X_backward the gradients.

#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "fused_band.h"
#include "fused_passes.h"

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The operator by its name: called through the dispatcher, tracing and fake tensors see it.
template <class Signature>
auto find(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

bool learns(const Tensor& x) { return x.requires_grad(); }
bool learns(const Maybe& x) { return x.has_value() && x->requires_grad(); }

Tensor saved(const Maybe& x) { return x.value_or(Tensor()); }
Maybe maybe(const Tensor& x) { return x.defined() ? Maybe(x) : std::nullopt; }

struct SerialFunction : torch::autograd::Function<SerialFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Maybe& q, const Maybe& learned,
                        std::string_view neuron, Numbers numbers) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    static const auto op = find<decltype(serial_train)>("psubench::serial_train");
    auto [spikes, states] = op.call(x, q, learned, neuron, numbers);
    ctx->save_for_backward({x, saved(q), saved(learned), states});
    ctx->saved_data["neuron"] = std::string(neuron);
    ctx->saved_data["numbers"] = numbers.vec();
    return spikes;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto kept = ctx->get_saved_variables();
    static const auto op = find<decltype(serial_backward)>("psubench::serial_backward");
    auto [gx, gq, of_learned] =
        op.call(gradients[0], kept[0], maybe(kept[1]), maybe(kept[2]), kept[3],
                ctx->saved_data["neuron"].toStringRef(), ctx->saved_data["numbers"].toDoubleVector());
    return {gx, kept[1].defined() ? gq : Tensor(), kept[2].defined() ? of_learned : Tensor(), Tensor(), Tensor()};
  }
};

Tensor serial_autograd(const Tensor& x, const Maybe& q, const Maybe& learned, std::string_view neuron,
                       Numbers numbers) {
  if (at::GradMode::is_enabled() && (learns(x) || learns(q) || learns(learned))) {
    return SerialFunction::apply(x, q, learned, neuron, numbers);
  }
  const at::AutoDispatchBelowADInplaceOrView guard;
  static const auto op = find<decltype(serial)>("psubench::serial");
  return op.call(x, q, learned, neuron, numbers);
}

struct BandFunction : torch::autograd::Function<BandFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weights, const Tensor& bias,
                        double alpha) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    static const auto op = find<decltype(band)>("psubench::band");
    ctx->save_for_backward({x, weights, bias});
    ctx->saved_data["alpha"] = alpha;
    return op.call(x, weights, bias, alpha);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto kept = ctx->get_saved_variables();
    static const auto op = find<decltype(band_backward)>("psubench::band_backward");
    auto [gx, gweights, gbias] =
        op.call(gradients[0], kept[0], kept[1], kept[2], ctx->saved_data["alpha"].toDouble());
    return {gx, gweights, gbias, Tensor()};
  }
};

Tensor band_autograd(const Tensor& x, const Tensor& weights, const Tensor& bias, double alpha) {
  if (at::GradMode::is_enabled() && (learns(x) || learns(weights) || learns(bias))) {
    return BandFunction::apply(x, weights, bias, alpha);
  }
  const at::AutoDispatchBelowADInplaceOrView guard;
  static const auto op = find<decltype(band)>("psubench::band");
  return op.call(x, weights, bias, alpha);
}

}  // namespace

TORCH_LIBRARY(psubench, m) {
  m.def("serial(Tensor x, Tensor? q, Tensor? learned, str neuron, float[] numbers) -> Tensor");
  m.def("serial_train(Tensor x, Tensor? q, Tensor? learned, str neuron, float[] numbers) -> (Tensor, Tensor)");
  m.def("serial_backward(Tensor gradient, Tensor x, Tensor? q, Tensor? learned, Tensor states, str neuron,"
        " float[] numbers) -> (Tensor, Tensor, Tensor)");
  m.def("states(str neuron, bool learns) -> int", states);
  m.def("band(Tensor x, Tensor weights, Tensor bias, float alpha) -> Tensor");
  m.def("band_backward(Tensor gradient, Tensor x, Tensor weights, Tensor bias, float alpha)"
        " -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(psubench, CPU, m) {
  m.impl("serial", serial);
  m.impl("serial_train", serial_train);
  m.impl("serial_backward", serial_backward);
  m.impl("band", band);
  m.impl("band_backward", band_backward);
}

TORCH_LIBRARY_IMPL(psubench, Autograd, m) {
  m.impl("serial", serial_autograd);
  m.impl("band", band_autograd);
}
