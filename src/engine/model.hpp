// A model file and its words: loading, tokens, chat templates. What computes is in scheduler.hpp.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct llama_model;
struct llama_vocab;

namespace cocoon::engine {

struct LlamaApi;

using Token = std::int32_t;

struct ChatMessage {
  std::string role;  // "system", "user", "assistant" or "tool"
  std::string content;
};

// Read once, then constant: every const member may be called from several threads.
class Model {
 public:
  // `path`: a GGUF file. `llama_dir`: where the llama.cpp libraries are, empty for beside the executable. Loading ends
  // with an error soon after `*give_up` becomes true.
  static Result<std::unique_ptr<Model>> load(const std::string& path, const std::string& llama_dir,
                                             const std::atomic<bool>* give_up = nullptr);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const std::string& name() const { return name_; }                 // general.name of the file, else the file's own
  std::uint32_t context_length() const { return context_length_; }  // tokens it was trained for
  std::uint32_t embedding_length() const { return embedding_length_; }
  std::uint32_t vocabulary_size() const { return vocabulary_size_; }
  std::uint64_t parameters() const { return parameters_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  bool ranks() const { return ranks_; }  // a reranker: its pooled output is a score, not an embedding
  bool pools() const { return pools_; }  // the file names a pooling of its own

  // Fails only for texts above 2^31 bytes. `add_special`: begin with the model's begin token where it has one;
  // `parse_special`: names of control tokens in the text become those tokens.
  Result<std::vector<Token>> tokenize(std::string_view text, bool add_special, bool parse_special) const;
  // A lower bound of the number of tokens of `text`, without the work of tokenizing it.
  std::size_t at_least_tokens(std::string_view text) const { return text.size() / longest_piece_; }
  // The bytes of one token: perhaps a part of a UTF-8 character, empty for control tokens.
  void append_piece(Token token, std::string& to) const;
  Result<std::string> detokenize(std::span<const Token> tokens) const;
  bool is_valid(Token token) const { return token >= 0 && static_cast<std::uint32_t>(token) < vocabulary_size_; }
  bool ends_generation(Token token) const;
  std::span<const Token> end_tokens() const { return end_tokens_; }

  // The conversation as the model's template writes it, up to where the assistant speaks; ChatML for files whose
  // template llama.cpp does not know.
  Result<std::string> chat_prompt(std::span<const ChatMessage> messages) const;

  const LlamaApi& api() const { return api_; }
  llama_model* handle() const { return model_; }
  const llama_vocab* vocabulary() const { return vocabulary_; }

 private:
  Model(const LlamaApi& api, llama_model* model);
  void read_facts(const std::string& path);
  std::string metadata(const std::string& key) const;

  const LlamaApi& api_;
  llama_model* model_;
  const llama_vocab* vocabulary_;
  std::string name_;
  std::string template_;
  std::uint32_t context_length_ = 0;
  std::uint32_t embedding_length_ = 0;
  std::uint32_t vocabulary_size_ = 0;
  std::uint64_t parameters_ = 0;
  std::uint64_t size_bytes_ = 0;
  bool ranks_ = false;
  bool pools_ = false;
  std::vector<Token> end_tokens_;
  std::size_t longest_piece_ = 1;
};

}  // namespace cocoon::engine
