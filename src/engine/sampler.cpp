#include "engine/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/llama_api.hpp"

namespace cocoon::engine {
namespace {

// How far back penalties look; also the most that one request costs in memory for them.
constexpr std::int32_t kPenaltyWindow = 1024;

llama_sampler* grammar_of(const Model& model, const Sampling& s) {
  const auto& api = model.api();
  if (s.trigger.empty()) return api.llama_sampler_init_grammar(model.vocabulary(), s.grammar.c_str(), "root");
  const char* pattern = s.trigger.c_str();
  return api.llama_sampler_init_grammar_lazy_patterns(model.vocabulary(), s.grammar.c_str(), "root", &pattern, 1,
                                                      nullptr, 0);
}

}  // namespace

void Sampler::Free::operator()(llama_sampler* sampler) const { api->llama_sampler_free(sampler); }

Result<Sampler> Sampler::make(const Model& model, const Sampling& s, std::span<const Token> prompt) {
  const auto& api = model.api();
  const auto words = static_cast<std::int32_t>(model.vocabulary_size());
  try {
    Handle chain(api.llama_sampler_chain_init(api.llama_sampler_chain_default_params()), Free{&api});
    if (!chain) return fail("no memory for a sampler");
    const auto add = [&](llama_sampler* one) {
      if (one) api.llama_sampler_chain_add(chain.get(), one);
      return one != nullptr;
    };

    std::vector<llama_logit_bias> bias;
    bias.reserve(s.logit_bias.size() + model.end_tokens().size());
    for (const auto& [token, weight] : s.logit_bias) bias.push_back({token, weight});
    if (s.ignore_end)
      for (const auto token : model.end_tokens()) bias.push_back({token, -std::numeric_limits<float>::infinity()});
    if (!bias.empty())
      add(api.llama_sampler_init_logit_bias(words, static_cast<std::int32_t>(bias.size()), bias.data()));
    if (s.repetition_penalty != 1.0F) {
      auto* const repetition = api.llama_sampler_init_penalties(words, kPenaltyWindow, s.repetition_penalty, 0, 0);
      if (add(repetition))
        for (const auto token : prompt) api.llama_sampler_accept(repetition, token);
    }
    if (s.frequency_penalty != 0 || s.presence_penalty != 0)
      add(api.llama_sampler_init_penalties(words, kPenaltyWindow, 1, s.frequency_penalty, s.presence_penalty));
    if (!s.grammar.empty() && !add(grammar_of(model, s))) return fail("the grammar cannot be used with this model");
    if (s.temperature <= 0) {
      add(api.llama_sampler_init_greedy());
    } else {
      if (s.top_k > 0) add(api.llama_sampler_init_top_k(s.top_k));
      if (s.top_p < 1) add(api.llama_sampler_init_top_p(s.top_p, 1));
      if (s.min_p > 0) add(api.llama_sampler_init_min_p(s.min_p, 1));
      add(api.llama_sampler_init_temp(s.temperature));
      add(api.llama_sampler_init_dist(s.seed));
    }
    return Sampler(std::move(chain), model.vocabulary_size());
  } catch (const std::exception& e) {
    return fail("sampler: {}", e.what());
  }
}

Result<Token> Sampler::sample(llama_context* context, std::int32_t index) {
  try {
    return chain_.get_deleter().api->llama_sampler_sample(chain_.get(), context, index);
  } catch (const std::exception& e) {
    // The grammar throws when no token can continue it.
    return fail("sampling failed: {}", e.what());
  }
}

ChosenToken Sampler::describe(llama_context* context, std::int32_t index, Token chosen, int count) const {
  ChosenToken out{{chosen, 0}, {}};
  const float* logits = chain_.get_deleter().api->llama_get_logits_ith(context, index);
  if (logits == nullptr) return out;
  const std::span row(logits, words_);
  const float most = *std::ranges::max_element(row);
  double sum = 0;
  for (const float l : row) sum += std::exp(static_cast<double>(l - most));
  const auto logprob = [&](Token t) {
    return static_cast<float>(static_cast<double>(row[static_cast<std::size_t>(t)] - most) - std::log(sum));
  };
  out.chosen.logprob = logprob(chosen);
  std::vector<Token> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  const auto top = std::min<std::size_t>(static_cast<std::size_t>(std::max(0, count)), order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
      [&](Token a, Token b) { return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)]; });
  for (std::size_t i = 0; i < top; ++i) out.top.push_back({order[i], logprob(order[i])});
  return out;
}

}  // namespace cocoon::engine
