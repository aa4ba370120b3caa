#include "engine/embedder.hpp"

#include <cmath>
#include <exception>

#include "engine/llama_api.hpp"
#include "engine/scheduler.hpp"

namespace cocoon::engine {

Embedder::~Embedder() {
  if (context_) model_.api().llama_free(context_);
}

Result<> Embedder::open() {
  if (model_.ranks()) return fail(engine_failed, "{} ranks texts and makes no embeddings", model_.name());
  const auto& api = model_.api();
  auto params = api.llama_context_default_params();
  // A pooled text has to pass in one piece.
  params.n_ctx = params.n_batch = params.n_ubatch = limit_;
  params.n_seq_max = 1;
  params.n_threads = params.n_threads_batch = threads_;
  params.embeddings = true;
  params.pooling_type = model_.pools() ? LLAMA_POOLING_TYPE_UNSPECIFIED : LLAMA_POOLING_TYPE_MEAN;
  if (!api.has_gpu) params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.no_perf = true;
  context_ = api.llama_init_from_model(model_.handle(), params);
  if (!context_) return fail(engine_failed, "no context for the embeddings of {}", model_.name());
  return {};
}

Result<std::vector<float>> Embedder::embed(std::span<const Token> tokens) try {
  if (!context_) TRY(open());
  const auto& api = model_.api();
  api.llama_memory_clear(api.llama_get_memory(context_), false);
  auto batch = api.llama_batch_init(static_cast<std::int32_t>(tokens.size()), 0, 1);
  for (const auto token : tokens) {
    const auto row = batch.n_tokens++;
    batch.token[row] = token;
    batch.pos[row] = row;
    batch.n_seq_id[row] = 1;
    batch.seq_id[row][0] = 0;
    batch.logits[row] = 1;
  }
  const auto status = api.llama_decode(context_, batch);
  api.llama_batch_free(batch);
  const float* pooled = status == 0 ? api.llama_get_embeddings_seq(context_, 0) : nullptr;
  if (!pooled) return fail(engine_failed, "llama.cpp made no embedding (status {})", status);

  std::vector<float> out(pooled, pooled + model_.embedding_length());
  double squares = 0;
  for (const float x : out) squares += static_cast<double>(x) * x;
  const double length = std::sqrt(squares);
  if (length > 0)
    for (float& x : out) x = static_cast<float>(x / length);
  return out;
} catch (const std::exception& e) {
  return fail(engine_failed, "embedding: {}", e.what());
}

}  // namespace cocoon::engine
