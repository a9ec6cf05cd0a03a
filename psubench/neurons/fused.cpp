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
using Maybe = std::optional<Tensor>;

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
  static Tensor forward(AutogradContext* ctx, const Tensor& x, double rate, const Maybe& learned, bool decay_input,
                        double threshold, double alpha, int64_t reset, bool detach_reset) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    static const auto op = find<decltype(serial_train)>("psubench::serial_train");
    auto [spikes, states] = op.call(x, rate, learned, decay_input, threshold, alpha, reset, detach_reset);
    ctx->save_for_backward({x, states, saved(learned)});
    ctx->saved_data["rate"] = rate;
    ctx->saved_data["decay_input"] = decay_input;
    ctx->saved_data["threshold"] = threshold;
    ctx->saved_data["alpha"] = alpha;
    ctx->saved_data["reset"] = reset;
    ctx->saved_data["detach_reset"] = detach_reset;
    return spikes;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto kept = ctx->get_saved_variables();
    auto& data = ctx->saved_data;
    static const auto op = find<decltype(serial_backward)>("psubench::serial_backward");
    auto [gx, grate] =
        op.call(gradients[0], kept[0], kept[1], data["rate"].toDouble(), maybe(kept[2]),
                data["decay_input"].toBool(), data["threshold"].toDouble(), data["alpha"].toDouble(),
                data["reset"].toInt(), data["detach_reset"].toBool());
    if (kept[2].defined()) {
      grate = grate.to(kept[2].scalar_type());
    }
    return {gx, Tensor(), kept[2].defined() ? grate : Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor serial_autograd(const Tensor& x, double rate, const Maybe& learned, bool decay_input, double threshold,
                       double alpha, int64_t reset, bool detach_reset) {
  if (at::GradMode::is_enabled() && (learns(x) || learns(learned))) {
    return SerialFunction::apply(x, rate, learned, decay_input, threshold, alpha, reset, detach_reset);
  }
  const at::AutoDispatchBelowADInplaceOrView guard;
  static const auto op = find<decltype(serial)>("psubench::serial");
  return op.call(x, rate, learned, decay_input, threshold, alpha, reset, detach_reset);
}

struct PsuFunction : torch::autograd::Function<PsuFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Maybe& q, double leak, double gain, double keep,
                        double scale, double threshold, double alpha) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    static const auto op = find<decltype(psu_train)>("psubench::psu_train");
    auto [spikes, states] = op.call(x, q, leak, gain, keep, scale, threshold, alpha);
    ctx->save_for_backward({x, saved(q), states});
    ctx->saved_data["numbers"] = std::vector<double>{leak, gain, keep, scale, threshold, alpha};
    return spikes;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto kept = ctx->get_saved_variables();
    const auto n = ctx->saved_data["numbers"].toDoubleVector();
    static const auto op = find<decltype(psu_backward)>("psubench::psu_backward");
    auto [gx, gq] =
        op.call(gradients[0], kept[0], maybe(kept[1]), kept[2], n[0], n[1], n[2], n[3], n[4], n[5]);
    return {gx, kept[1].defined() ? gq : Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor psu_autograd(const Tensor& x, const Maybe& q, double leak, double gain, double keep, double scale,
                    double threshold, double alpha) {
  if (at::GradMode::is_enabled() && (learns(x) || learns(q))) {
    return PsuFunction::apply(x, q, leak, gain, keep, scale, threshold, alpha);
  }
  const at::AutoDispatchBelowADInplaceOrView guard;
  static const auto op = find<decltype(psu)>("psubench::psu");
  return op.call(x, q, leak, gain, keep, scale, threshold, alpha);
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

// The schemas stand here once.
#define SERIAL \
  "float rate, Tensor? learned, bool decay_input, float threshold, float alpha, int reset, bool detach_reset"
#define PSU "float leak, float gain, float keep, float scale, float threshold, float alpha"

TORCH_LIBRARY(psubench, m) {
  m.def("serial(Tensor x, " SERIAL ") -> Tensor");
  m.def("serial_train(Tensor x, " SERIAL ") -> (Tensor, Tensor)");
  m.def("serial_backward(Tensor gradient, Tensor x, Tensor states, " SERIAL ") -> (Tensor, Tensor)");
  m.def("psu(Tensor x, Tensor? q, " PSU ") -> Tensor");
  m.def("psu_train(Tensor x, Tensor? q, " PSU ") -> (Tensor, Tensor)");
  m.def("psu_backward(Tensor gradient, Tensor x, Tensor? q, Tensor states, " PSU ") -> (Tensor, Tensor)");
  m.def("band(Tensor x, Tensor weights, Tensor bias, float alpha) -> Tensor");
  m.def("band_backward(Tensor gradient, Tensor x, Tensor weights, Tensor bias, float alpha)"
        " -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(psubench, CPU, m) {
  m.impl("serial", serial);
  m.impl("serial_train", serial_train);
  m.impl("serial_backward", serial_backward);
  m.impl("psu", psu);
  m.impl("psu_train", psu_train);
  m.impl("psu_backward", psu_backward);
  m.impl("band", band);
  m.impl("band_backward", band_backward);
}

TORCH_LIBRARY_IMPL(psubench, Autograd, m) {
  m.impl("serial", serial_autograd);
  m.impl("psu", psu_autograd);
  m.impl("band", band_autograd);
}
