// llama.cpp, opened at run time. Private to this room: it shows llama.h.
//
// The binary does not link llama.cpp: every other command of `cocoon` starts without it, and a missing library is one
// clear line instead of the loader's. The libraries carry their release in their names, so only those that match the
// headers this room was compiled with are ever opened.
#pragma once
#include <string>

#include <llama.h>

#include "base/result.hpp"

#define COCOON_LLAMA_FUNCTIONS(X)             \
  X(llama_backend_init)                       \
  X(llama_log_set)                            \
  X(llama_model_default_params)               \
  X(llama_model_load_from_file)               \
  X(llama_model_free)                         \
  X(llama_model_get_vocab)                    \
  X(llama_model_n_ctx_train)                  \
  X(llama_model_n_embd_out)                   \
  X(llama_model_n_params)                     \
  X(llama_model_size)                         \
  X(llama_model_has_encoder)                  \
  X(llama_model_has_decoder)                  \
  X(llama_model_is_diffusion)                 \
  X(llama_model_meta_val_str)                 \
  X(llama_model_chat_template)                \
  X(llama_chat_apply_template)                \
  X(llama_vocab_n_tokens)                     \
  X(llama_vocab_is_eog)                       \
  X(llama_tokenize)                           \
  X(llama_token_to_piece)                     \
  X(llama_detokenize)                         \
  X(llama_context_default_params)             \
  X(llama_init_from_model)                    \
  X(llama_free)                               \
  X(llama_get_memory)                         \
  X(llama_memory_clear)                       \
  X(llama_memory_seq_rm)                      \
  X(llama_batch_init)                         \
  X(llama_batch_free)                         \
  X(llama_decode)                             \
  X(llama_pooling_type)                       \
  X(llama_set_abort_callback)                 \
  X(llama_get_embeddings_seq)                 \
  X(llama_sampler_chain_default_params)       \
  X(llama_sampler_chain_init)                 \
  X(llama_sampler_chain_add)                  \
  X(llama_sampler_init_greedy)                \
  X(llama_sampler_init_dist)                  \
  X(llama_sampler_init_top_k)                 \
  X(llama_sampler_init_top_p)                 \
  X(llama_sampler_init_min_p)                 \
  X(llama_sampler_init_temp)                  \
  X(llama_sampler_init_penalties)             \
  X(llama_sampler_init_logit_bias)            \
  X(llama_sampler_init_grammar)               \
  X(llama_sampler_init_grammar_lazy_patterns) \
  X(llama_get_logits_ith)                     \
  X(llama_sampler_accept)                     \
  X(llama_sampler_sample)                     \
  X(llama_sampler_free)

namespace cocoon::engine {

struct LlamaApi {
#define COCOON_LLAMA_MEMBER(name) decltype(&::name) name = nullptr;
  COCOON_LLAMA_FUNCTIONS(COCOON_LLAMA_MEMBER)
#undef COCOON_LLAMA_MEMBER
  bool has_gpu = false;

  // Opens the libraries in `dir`, or where they stand relative to the executable when `dir` is empty, and loads the
  // backend that suits this processor. Once per process: later calls return the first success whatever they ask for.
  // Thread-safe. The libraries stay open until the process ends.
  static Result<const LlamaApi*> open(const std::string& dir);
  // The first thing llama.cpp complained about on this thread since the last call: the reason behind a null pointer.
  static std::string take_complaint();
};

}  // namespace cocoon::engine
