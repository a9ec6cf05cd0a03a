// The operators of serial neurons: from tensors to the layers of fused_serial.h and back.
#pragma once

#include <ATen/ops/empty.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "fused_serial.h"

namespace {

using Maybe = std::optional<Tensor>;

// The learned values, which are float or double, in a row.
std::vector<double> values_of(const Maybe& learned) {
  std::vector<double> values(learned.has_value() ? learned->numel() : 0);
  if (learned.has_value()) {
    const Tensor row = learned->contiguous();
    if (row.scalar_type() == at::kFloat) {
      std::copy_n(row.const_data_ptr<float>(), values.size(), values.begin());
    } else {
      std::copy_n(row.const_data_ptr<double>(), values.size(), values.begin());
    }
  }
  return values;
}

// Calls body with the layer that the arguments describe.
template <class Body>
void for_layer(const Tensor& x, const Maybe& q, const Maybe& learned, std::string_view name, Numbers numbers,
               const Body& body) {
  const std::vector<double> values = values_of(learned);
  for_dtype(x, [&](auto scalar) {
    using Scalar = decltype(scalar);
    const auto of_type = [&]<class Neuron>(std::type_identity<Neuron>) {
      TORCH_CHECK(numbers.size() == Neuron::NUMBERS, name, " takes ", Neuron::NUMBERS, " numbers");
      TORCH_CHECK(q.has_value() == (Neuron::INPUTS == 2), name, " takes ", Neuron::INPUTS, " inputs");
      body(Layer<Neuron, Scalar>(x, values, numbers));
    };
    TORCH_CHECK(for_neuron<real_of<Scalar>>(name, learned.has_value(), of_type), "no neuron \"", name, "\" with",
                learned.has_value() ? "" : "out", " learned values");
  });
}

// Rows of x's neurons in the dtype of their states.
Tensor rows_like(const Tensor& x, at::IntArrayRef shape) {
  return at::empty(shape, x.options().dtype(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat));
}

// Outputs, and for training the state of every neuron at the first step of each chunk but the first:
// [chunks - 1, states, N].
std::tuple<Tensor, Tensor> serial_run(const Tensor& input, const Maybe& q_, const Maybe& learned, std::string_view name,
                                      Numbers numbers, bool train) {
  const Tensor x = input.contiguous(), q = q_.value_or(x).contiguous(), spikes = like(x);
  Tensor states;
  for_layer(input, q_, learned, name, numbers, [&]<class Neuron, class Scalar>(const Layer<Neuron, Scalar>& layer) {
    states = rows_like(x, {train ? chunks(layer.T) : 0, layer.STATES, layer.N});
    const Streams<const Scalar, layer.INPUTS> in(x, q);
    Scalar* out = written<Scalar>(spikes);
    auto* kept = train ? written<real_of<Scalar>>(states) : nullptr;
    for_blocks(layer.T, layer.N, forward_width(layer.N, layer.FORWARD),
               [&](int64_t n, int64_t width, int64_t) { layer.forward(in, out, kept, n, width); });
  });
  return {spikes, states};
}

Tensor serial(const Tensor& x, const Maybe& q, const Maybe& learned, std::string_view name, Numbers numbers) {
  return std::get<0>(serial_run(x, q, learned, name, numbers, false));
}

std::tuple<Tensor, Tensor> serial_train(const Tensor& x, const Maybe& q, const Maybe& learned, std::string_view name,
                                        Numbers numbers) {
  return serial_run(x, q, learned, name, numbers, true);
}

// Gradients of x, of q and of the learned values; empty where there is none.
std::tuple<Tensor, Tensor, Tensor> serial_backward(const Tensor& gradient, const Tensor& input, const Maybe& q_,
                                                   const Maybe& learned, const Tensor& states, std::string_view name,
                                                   Numbers numbers) {
  const Tensor x = input.contiguous(), q = q_.value_or(x).contiguous(), g = gradient.contiguous(), gx = like(x);
  const Tensor gq = q_.has_value() ? like(x) : at::empty({0}, x.options());
  Tensor of_learned = at::empty({0}, x.options());
  for_layer(input, q_, learned, name, numbers, [&]<class Neuron, class Scalar>(const Layer<Neuron, Scalar>& layer) {
    const int64_t shared = layer.shared(), wide = block_width(layer.N, layer.BACKWARD);
    // One row per block: the order of threads does not matter.
    std::vector<double> totals((layer.N + wide - 1) / wide * shared);
    const Tensor own = rows_like(x, {layer.OWN, layer.N});
    const Streams<const Scalar, layer.INPUTS> in(x, q);
    const Streams<Scalar, layer.INPUTS> out(gx, gq);
    for_blocks(layer.T, layer.N, layer.BACKWARD, [&](int64_t n, int64_t width, int64_t) {
      layer.backward(read<Scalar>(g), in, out, read<real_of<Scalar>>(states), totals.data() + n / wide * shared,
                     written<real_of<Scalar>>(own), n, width);
    });
    if (learned.has_value()) {
      std::vector<double> sums(shared);
      for (size_t i = 0; i < totals.size(); ++i) {
        sums[i % shared] += totals[i];
      }
      if (layer.OWN > 0) {
        const Tensor by_channel = own.view({layer.OWN, layer.N / (layer.channels * layer.inner), layer.channels, layer.inner})
                                      .sum({1, 3}, false, at::kDouble);
        const double* from = by_channel.const_data_ptr<double>();
        sums.insert(sums.end(), from, from + by_channel.numel());
      }
      of_learned = at::empty(learned->sizes(), learned->options());
      if (of_learned.scalar_type() == at::kFloat) {
        std::copy(sums.begin(), sums.end(), of_learned.mutable_data_ptr<float>());
      } else {
        std::copy(sums.begin(), sums.end(), of_learned.mutable_data_ptr<double>());
      }
    }
  });
  return {gx, gq, of_learned};
}

int64_t states(std::string_view name, bool learned) {
  int64_t count = 0;
  for_neuron<float>(name, learned, [&]<class Neuron>(std::type_identity<Neuron>) { count = Neuron::STATES; });
  return count;
}

}  // namespace
