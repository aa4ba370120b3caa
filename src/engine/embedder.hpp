// Texts to vectors: a second context of the same model that pools its outputs. Made when first used; one thread.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "engine/model.hpp"

struct llama_context;

namespace cocoon::engine {

class Embedder {
 public:
  Embedder(const Model& model, std::uint32_t limit, std::int32_t threads)
      : model_(model), limit_(limit), threads_(threads) {}
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  std::uint32_t limit() const { return limit_; }  // tokens of one text
  // Of length 1, model.embedding_length() numbers. Pools as the file says, by the mean when it says nothing.
  Result<std::vector<float>> embed(std::span<const Token> tokens);

 private:
  Result<> open();

  const Model& model_;
  std::uint32_t limit_;
  std::int32_t threads_;
  llama_context* context_ = nullptr;
};

}  // namespace cocoon::engine
