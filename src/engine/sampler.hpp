// How one request chooses among the tokens its model proposes.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "engine/model.hpp"

struct llama_sampler;
struct llama_context;

namespace cocoon::engine {

struct Sampling {
  float temperature = 0.7F;         // 0: always the likeliest token
  float top_p = 1.0F;               // 1: off
  float min_p = 0.05F;              // 0: off
  std::int32_t top_k = 0;           // 0: off
  float presence_penalty = 0.0F;    // on the tokens of the answer
  float frequency_penalty = 0.0F;   // on the tokens of the answer
  float repetition_penalty = 1.0F;  // on prompt and answer; 1: off
  std::uint32_t seed = 0;
  std::vector<std::pair<Token, float>> logit_bias;
  bool ignore_end = false;  // never end before max_tokens
  std::string grammar;      // only tokens that continue a text of its `root` (GBNF); empty: any
  std::string trigger;      // a pattern: the grammar holds from its first group on; empty: from the beginning
  int logprobs = -1;        // how many alternatives are told with each token; -1: nothing is told
};

// A token that was chosen and what else might have been, by the model's own probabilities.
struct TokenLogprob {
  Token token = 0;
  float logprob = 0;
};
struct ChosenToken {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

// The state of one request; used by one thread at a time.
class Sampler {
 public:
  static Result<Sampler> make(const Model& model, const Sampling& sampling, std::span<const Token> prompt);

  // The token chosen from row `index` of the last decoded batch, remembered for the penalties and the grammar.
  Result<Token> sample(llama_context* context, std::int32_t index);
  // Of a token chosen from that row, by the model's own proposal before any sampling; the `count` likeliest beside it.
  ChosenToken describe(llama_context* context, std::int32_t index, Token chosen, int count) const;

 private:
  struct Free {
    const LlamaApi* api;
    void operator()(llama_sampler* sampler) const;
  };
  using Handle = std::unique_ptr<llama_sampler, Free>;
  Sampler(Handle chain, std::size_t words) : chain_(std::move(chain)), words_(words) {}

  Handle chain_;
  std::size_t words_;  // of the vocabulary
};

}  // namespace cocoon::engine
