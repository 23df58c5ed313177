// A training step and inference assembled from oneDNN primitives (oneDNN 3, OpenMP or any CPU
// threading): what a C++ programmer could reach with the library. Weights stay in the formats
// that its primitives prefer, relu is fused forward, the input's gradient is left out, and for
// every primitive the quickest of the library's algorithms and formats, reorders included, is
// found by timing. Softmax, loss and SGD are written out here.
//
// Build: c++ -O3 -march=native -fopenmp onednn_bench.cpp -o onednn_bench -ldnnl
// Usage: onednn_bench [--threads N] [--seconds S] [--cold] [NET ...]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "oneapi/dnnl/dnnl.hpp"

using namespace dnnl;
using md = memory::desc;
using dims = memory::dims;
using tag = memory::format_tag;

static const engine cpu(engine::kind::cpu, 0);
static stream cpu_stream(cpu);

// ---- networks ------------------------------------------------------------------------------

struct Layer {
  enum Kind { conv, maxpool, linear } kind;
  memory::dim outputs;  // channels or features; the window of a pool
  memory::dim stride;
  bool relu;
};

struct Net {
  memory::dim c, side, classes, batch;
  float lr;
  std::vector<Layer> layers;
};

static Layer conv(memory::dim n, memory::dim stride = 1) { return {Layer::conv, n, stride, true}; }
static Layer pool() { return {Layer::maxpool, 2, 2, false}; }
static Layer linear(memory::dim n, bool relu = true) { return {Layer::linear, n, 1, relu}; }

// Copies of peers/nets.py's; all convolutions are 3x3 with padding 1.
static const std::map<std::string, Net> nets = {
    {"emoji", {3, 32, 5, 10, 0.07f,
               {conv(32, 2), pool(), conv(64), linear(256), linear(5, false)}}},
    {"emoji-wide", {3, 32, 5, 10, 0.07f,
                    {conv(32), pool(), conv(64), pool(), linear(256), linear(5, false)}}},
    {"mlp", {1, 28, 10, 32, 0.05f, {linear(256), linear(128), linear(10, false)}}},
    {"vgg", {3, 32, 10, 32, 0.05f,
             {conv(32), conv(32), pool(), conv(64), conv(64), pool(), conv(128), conv(128), pool(),
              linear(256), linear(10, false)}}},
    {"deep", {3, 32, 10, 32, 0.01f,
              {conv(32), conv(32), conv(32), conv(32), pool(), conv(32), conv(32), conv(32),
               conv(32), pool(), conv(32), conv(32), conv(32), conv(32), pool(),
               linear(10, false)}}},
};

// ---- timing and tuning ---------------------------------------------------------------------

static double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Median milliseconds after a warm-up.
static double median_ms(const std::function<void()> &f, double seconds) {
  for (double end = now() + seconds / 3; now() < end;) f();
  std::vector<double> t;
  for (double end = now() + seconds; t.size() < 5 || now() < end;) {
    double start = now();
    f();
    t.push_back(now() - start);
  }
  std::nth_element(t.begin(), t.begin() + (long)t.size() / 2, t.end());
  return t[t.size() / 2] * 1e3;
}

// Primitives in order, and the memory that the caller wants to know of.
struct Stage {
  std::vector<std::pair<primitive, std::unordered_map<int, memory>>> ops;
  memory out, weights;
  double seconds = 1e30;

  void add(const primitive &p, const std::unordered_map<int, memory> &args) {
    ops.emplace_back(p, args);
  }
  // The same values in another format, by a reorder if need be.
  memory as(const memory &m, const md &format) {
    if (m.get_desc() == format) return m;
    memory copy(format, cpu);
    add(reorder(m, copy), {{DNNL_ARG_FROM, m}, {DNNL_ARG_TO, copy}});
    return copy;
  }
  void run() const {
    for (auto &op : ops) op.first.execute(cpu_stream, op.second);
    cpu_stream.wait();
  }
};

static bool tuning = true;

using Maker = std::function<Stage()>;

// The quickest of those that the library implements.
static Stage quickest(const std::vector<Maker> &makers) {
  Stage best;
  for (auto &make : makers) {
    Stage s;
    try {
      s = make();
    } catch (const dnnl::error &) {
      continue;  // not implemented in this combination
    }
    if (!tuning) return s;
    double time = 1e30;
    for (int i = 0; i < 15 && (i < 2 || time < 3 * best.seconds); i++) {
      double start = now();
      s.run();
      time = std::min(time, now() - start);
    }
    s.seconds = time;
    if (time < best.seconds) best = s;
  }
  return best;
}

// The library falls back to plain loops that take seconds; those are no candidates.
template <class Desc> static void optimised(const Desc &pd) {
  if (!strncmp(pd.impl_info_str(), "ref", 3)) throw dnnl::error(dnnl_unimplemented, "reference");
}

static const algorithm algorithms[] = {algorithm::convolution_direct, algorithm::convolution_auto,
                                       algorithm::convolution_winograd};

// ---- layers --------------------------------------------------------------------------------

static md any(const dims &d) { return {d, memory::data_type::f32, tag::any}; }
static md vector_of(memory::dim n) { return {{n}, memory::data_type::f32, tag::a}; }

static float *data(const memory &m) { return static_cast<float *>(m.get_data_handle()); }
static size_t floats(const memory &m) { return m.get_desc().get_size() / sizeof(float); }

static void fill(const memory &m, float low, float high) {
  static std::mt19937 rng(1);
  std::uniform_real_distribution<float> u(low, high);
  for (size_t i = 0; i < floats(m); i++) data(m)[i] = u(rng);
}

// Weights must go through a plain format, so that the padding of blocked ones stays zero.
static memory random_weights(const dims &d, const md &format, float bound) {
  md plain(d, memory::data_type::f32, d.size() == 4 ? tag::abcd : d.size() == 2 ? tag::ab : tag::a);
  memory m(plain, cpu), w(format, cpu);
  fill(m, -bound, bound);
  reorder(m, w).execute(cpu_stream, m, w);
  cpu_stream.wait();
  return w;
}

static primitive_attr with_relu(bool relu) {
  primitive_attr a;
  post_ops p;
  if (relu) p.append_eltwise(algorithm::eltwise_relu, 0, 0);
  a.set_post_ops(p);
  return a;
}

// One layer with what its backward pass needs. Shapes and memories are known after forward().
class Block {
public:
  Block(const Layer &l, bool first, bool train) : l(l), first(first), train(train) {}

  memory forward(const memory &input) {
    in = input;
    dims d = in.get_desc().get_dims();
    if (l.kind == Layer::maxpool) return forward_pool(d);
    if (l.kind == Layer::linear) {
      weight_dims = d;
      weight_dims[0] = l.outputs;
      out_dims = {d[0], l.outputs};
    } else {
      weight_dims = {l.outputs, d[1], 3, 3};
      out_dims = {d[0], l.outputs, (d[2] - 1) / l.stride + 1, (d[3] - 1) / l.stride + 1};
    }
    fan_in = 1;
    for (size_t i = 1; i < weight_dims.size(); i++) fan_in *= (float)weight_dims[i];
    bias = random_weights({l.outputs}, vector_of(l.outputs), 1 / std::sqrt(fan_in));
    choose_forward();
    if (fwd.ops.empty()) throw std::runtime_error("oneDNN has no implementation of a layer");
    weights = fwd.weights;
    return out = fwd.out;
  }

  // From the gradient of the output, in `out`'s format; returns that of the input.
  memory backward(const memory &grad) {
    if (l.kind == Layer::maxpool) return backward_pool(grad);
    if (l.relu) add_relu(grad);
    choose_backward(grad, !first);
    return bwd_data.out;
  }

  void run_forward() const { fwd.run(); }
  void run_backward(float lr) const {
    for (const Stage *s : {&bwd_relu, &bwd_data, &bwd_weights}) s->run();
    if (l.kind == Layer::maxpool) return;
    update(weights, bwd_weights.weights, lr);
    update(bias, bwd_weights.out, lr);
  }
  memory out;

private:
  // The weights' format serves all three directions: the one with the least sum of times is kept.
  void choose_forward() {
    Stage best;
    double best_time = 1e30;
    for (tag t : formats()) {
      weight_format = t;
      std::vector<Maker> makers;
      for (auto a : algorithms)
        if (l.kind == Layer::conv || a == algorithms[0])
          makers.push_back([=] { return make_forward(a); });
      fwd = quickest(makers);
      if (fwd.ops.empty()) continue;
      double time = fwd.seconds;
      if (train && tuning) {
        weights = fwd.weights;
        memory grad(fwd.out.get_desc(), cpu);
        choose_backward(grad, !first);
        time += bwd_weights.seconds + (first ? 0 : bwd_data.seconds);
      }
      if (time < best_time || best.ops.empty()) best_time = time, best = fwd, best_format = t;
      if (!tuning) break;
    }
    fwd = best;
    weight_format = best_format;
  }
  std::vector<tag> formats() const {
    if (l.kind == Layer::conv) return {tag::any};
    if (weight_dims.size() == 2) return {tag::any, tag::ab, tag::ba};
    return {tag::any, tag::abcd, tag::acdb, tag::cdba, tag::bcda, tag::aBcd16b};
  }

  void choose_backward(const memory &grad, bool input_wanted) {
    std::vector<Maker> by_data, by_weights;
    for (bool as_forward : {false, true})
      for (auto a : algorithms) {
        if (l.kind == Layer::linear && a != algorithms[0]) continue;
        by_data.push_back([=] { return make_by_data(a, as_forward, grad); });
        by_weights.push_back([=] { return make_by_weights(a, as_forward, grad); });
      }
    bwd_data = input_wanted ? quickest(by_data) : Stage();
    bwd_weights = quickest(by_weights);
    if ((input_wanted && bwd_data.ops.empty()) || bwd_weights.ops.empty())
      throw std::runtime_error("oneDNN has no implementation of a layer");
  }

  Layer l;
  bool first, train;
  memory in, weights, bias, workspace;
  dims weight_dims, out_dims;
  float fan_in = 1;
  tag weight_format = tag::any, best_format = tag::any;
  Stage fwd, bwd_relu, bwd_data, bwd_weights;
  convolution_forward::primitive_desc conv_pd;
  inner_product_forward::primitive_desc linear_pd;
  pooling_forward::primitive_desc pool_pd;

  prop_kind kind() const {
    return train ? prop_kind::forward_training : prop_kind::forward_inference;
  }
  dims strides() const { return {l.stride, l.stride}; }

  convolution_forward::primitive_desc conv_forward(algorithm a) const {
    return {cpu, kind(), a, any(in.get_desc().get_dims()), any(weight_dims), vector_of(l.outputs),
            any(out_dims), strides(), {1, 1}, {1, 1}, with_relu(l.relu)};
  }
  inner_product_forward::primitive_desc linear_forward() const {
    md w(weight_dims, memory::data_type::f32, weight_format);
    return {cpu, kind(), any(in.get_desc().get_dims()), w, vector_of(l.outputs), any(out_dims),
            with_relu(l.relu)};
  }

  template <class Primitive, class Desc> Stage finish_forward(const Desc &pd) const {
    Stage s;
    optimised(pd);
    memory src = s.as(in, pd.src_desc());
    s.weights = random_weights(weight_dims, pd.weights_desc(), 1 / std::sqrt(fan_in));
    s.out = memory(pd.dst_desc(), cpu);
    s.add(Primitive(pd), {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, s.weights},
                          {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, s.out}});
    return s;
  }
  Stage make_forward(algorithm a) const {
    if (l.kind == Layer::linear) return finish_forward<inner_product_forward>(linear_forward());
    return finish_forward<convolution_forward>(conv_forward(a));
  }

  // Formats of the backward pass: the library's choice, or those of the forward pass.
  static md choose(const memory &m, bool as_forward) {
    return as_forward ? m.get_desc() : any(m.get_desc().get_dims());
  }

  template <class Primitive, class Desc>
  Stage finish_by_data(const Desc &pd, const memory &grad) const {
    Stage s;
    optimised(pd);
    memory diff = s.as(grad, pd.diff_dst_desc()), w = s.as(weights, pd.weights_desc());
    memory result(pd.diff_src_desc(), cpu);
    s.add(Primitive(pd), {{DNNL_ARG_DIFF_DST, diff}, {DNNL_ARG_WEIGHTS, w},
                          {DNNL_ARG_DIFF_SRC, result}});
    s.out = s.as(result, in.get_desc());
    return s;
  }
  Stage make_by_data(algorithm a, bool as_forward, const memory &grad) const {
    md src = choose(in, as_forward), w = choose(weights, as_forward);
    md dst = choose(grad, as_forward);
    if (l.kind == Layer::linear)
      return finish_by_data<inner_product_backward_data>(
          inner_product_backward_data::primitive_desc(cpu, src, w, dst, linear_forward()), grad);
    return finish_by_data<convolution_backward_data>(
        convolution_backward_data::primitive_desc(cpu, a, src, w, dst, strides(), {1, 1}, {1, 1},
                                                  conv_forward(algorithm::convolution_auto)), grad);
  }

  template <class Primitive, class Desc>
  Stage finish_by_weights(const Desc &pd, const memory &grad) const {
    Stage s;
    optimised(pd);
    memory src = s.as(in, pd.src_desc()), diff = s.as(grad, pd.diff_dst_desc());
    memory dw(pd.diff_weights_desc(), cpu);
    s.out = memory(vector_of(l.outputs), cpu);
    s.add(Primitive(pd), {{DNNL_ARG_SRC, src}, {DNNL_ARG_DIFF_DST, diff},
                          {DNNL_ARG_DIFF_WEIGHTS, dw}, {DNNL_ARG_DIFF_BIAS, s.out}});
    s.weights = s.as(dw, weights.get_desc());
    return s;
  }
  Stage make_by_weights(algorithm a, bool as_forward, const memory &grad) const {
    md src = choose(in, as_forward), w = choose(weights, as_forward);
    md b = vector_of(l.outputs), dst = choose(grad, as_forward);
    if (l.kind == Layer::linear)
      return finish_by_weights<inner_product_backward_weights>(
          inner_product_backward_weights::primitive_desc(cpu, src, w, b, dst, linear_forward()),
          grad);
    return finish_by_weights<convolution_backward_weights>(
        convolution_backward_weights::primitive_desc(
            cpu, a, src, w, b, dst, strides(), {1, 1}, {1, 1},
            conv_forward(algorithm::convolution_auto)), grad);
  }

  void add_relu(const memory &grad) {  // in place, from the sign of the output
    auto a = algorithm::eltwise_relu_use_dst_for_bwd;
    md d = out.get_desc();
    eltwise_forward::primitive_desc hint(cpu, prop_kind::forward_training, a, d, d, 0.f);
    eltwise_backward::primitive_desc pd(cpu, a, d, d, d, 0.f, hint);
    bwd_relu.add(eltwise_backward(pd), {{DNNL_ARG_DST, out}, {DNNL_ARG_DIFF_DST, grad},
                                        {DNNL_ARG_DIFF_SRC, grad}});
  }

  memory forward_pool(const dims &d) {
    dims k = {l.outputs, l.outputs}, zero = {0, 0};
    out_dims = {d[0], d[1], d[2] / l.outputs, d[3] / l.outputs};
    pool_pd = {cpu, kind(), algorithm::pooling_max, in.get_desc(), any(out_dims), k, k, zero, zero,
               zero};
    out = memory(pool_pd.dst_desc(), cpu);
    std::unordered_map<int, memory> args = {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, out}};
    if (train) args[DNNL_ARG_WORKSPACE] = workspace = memory(pool_pd.workspace_desc(), cpu);
    fwd.add(pooling_forward(pool_pd), args);
    return out;
  }
  memory backward_pool(const memory &grad) {
    dims k = {l.outputs, l.outputs}, zero = {0, 0};
    pooling_backward::primitive_desc pd(cpu, algorithm::pooling_max, in.get_desc(), out.get_desc(),
                                        k, k, zero, zero, zero, pool_pd);
    memory result(in.get_desc(), cpu);
    bwd_data.add(pooling_backward(pd), {{DNNL_ARG_DIFF_DST, grad}, {DNNL_ARG_DIFF_SRC, result},
                                        {DNNL_ARG_WORKSPACE, workspace}});
    return result;
  }

  static void update(const memory &w, const memory &grad, float lr) {
    float *p = data(w);
    const float *g = data(grad);
    long n = (long)floats(w);
#pragma omp parallel for simd if (n > 16384)
    for (long i = 0; i < n; i++) p[i] -= lr * g[i];
  }
};

// ---- whole networks ------------------------------------------------------------------------

class Model {
public:
  Model(const Net &net, memory::dim batch, bool train) : net(net), batch(batch) {
    input = memory({{batch, net.c, net.side, net.side}, memory::data_type::f32, tag::nchw}, cpu);
    fill(input, 0, 1);
    memory x = input;
    for (auto &l : net.layers) {
      blocks.emplace_back(l, blocks.empty(), train);
      x = blocks.back().forward(x);
    }
    if (train) build_backward(x);
  }
  void infer() const {
    for (auto &b : blocks) b.run_forward();
  }
  void step() {
    infer();
    softmax_and_loss();
    for (size_t i = blocks.size(); i-- > 0;) blocks[i].run_backward(net.lr);
  }

private:
  Net net;
  memory::dim batch;
  memory input, logits_grad;
  std::vector<Block> blocks;
  volatile float loss = 0;

  void build_backward(const memory &logits) {
    memory grad = logits_grad = memory(logits.get_desc(), cpu);
    for (size_t i = blocks.size(); i-- > 0;) grad = blocks[i].backward(grad);
  }
  // Labels are the sample's number modulo the classes: they do not matter for the time.
  void softmax_and_loss() {
    float total = 0;
    for (memory::dim i = 0; i < batch; i++) {
      const float *x = data(blocks.back().out) + i * net.classes;
      float *g = data(logits_grad) + i * net.classes, sum = 0, top = x[0];
      for (memory::dim j = 1; j < net.classes; j++) top = std::max(top, x[j]);
      for (memory::dim j = 0; j < net.classes; j++) sum += g[j] = std::exp(x[j] - top);
      memory::dim label = i % net.classes;
      total += std::log(sum) + top - x[label];
      for (memory::dim j = 0; j < net.classes; j++)
        g[j] = (g[j] / sum - (float)(j == label)) / (float)batch;
    }
    loss = total / (float)batch;
  }
};

static void report(const char *net, const char *what, int threads, double ms) {
  const dnnl_version_t *v = dnnl_version();
  printf("{\"peer\": \"oneDNN\", \"net\": \"%s\", \"what\": \"%s\", \"threads\": %d, \"ms\": %.5f, "
         "\"version\": \"%d.%d.%d\"}\n", net, what, threads, ms, v->major, v->minor, v->patch);
  fflush(stdout);
}

static void measure(const std::string &name, int threads, double seconds) {
  const Net &net = nets.at(name);
  Model model(net, net.batch, true);
  report(name.c_str(), "train_step", threads, median_ms([&] { model.step(); }, seconds));
  for (int n : {1, 32}) {
    Model m(net, n, false);
    std::string what = "infer" + std::to_string(n);
    report(name.c_str(), what.c_str(), threads, median_ms([&] { m.infer(); }, seconds));
  }
}

// Building the network and 80 steps, without a data set to read.
static void cold() {
  tuning = false;
  Model model(nets.at("emoji"), 10, true);
  for (int i = 0; i < 80; i++) model.step();
}

int main(int argc, char **argv) {
  int threads = 1;
  double seconds = 0.7;
  std::vector<std::string> names;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--cold")) return cold(), 0;
    if (!strcmp(argv[i], "--threads") && i + 1 < argc) threads = atoi(argv[++i]);
    else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = atof(argv[++i]);
    else names.push_back(argv[i]);
  }
  if (names.empty())
    for (auto &n : nets) names.push_back(n.first);
  for (auto &n : names)
    if (nets.count(n)) measure(n, threads, seconds);
  return 0;
}
