#include "engine/sampler.hpp"

#include <cmath>
#include <limits>

#include "engine/llama_api.hpp"

namespace cocoon::engine {
namespace {

// How far back penalties look; also the most that one request costs in memory for them.
constexpr std::int32_t kPenaltyWindow = 1024;

// RFC 8259 with bounded white space: without the bound a small model fills its budget with blanks.
constexpr const char* kJsonGrammar = R"gbnf(
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]) )* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})? ws
ws     ::= | " " | "\n" [ \t]{0,20}
)gbnf";

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
    if (s.json_object && !add(api.llama_sampler_init_grammar(model.vocabulary(), kJsonGrammar, "root")))
      return fail("the JSON grammar cannot be used with this model");
    if (s.temperature <= 0) {
      add(api.llama_sampler_init_greedy());
    } else {
      if (s.top_k > 0) add(api.llama_sampler_init_top_k(s.top_k));
      if (s.top_p < 1) add(api.llama_sampler_init_top_p(s.top_p, 1));
      if (s.min_p > 0) add(api.llama_sampler_init_min_p(s.min_p, 1));
      add(api.llama_sampler_init_temp(s.temperature));
      add(api.llama_sampler_init_dist(s.seed));
    }
    return Sampler(std::move(chain));
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

}  // namespace cocoon::engine
