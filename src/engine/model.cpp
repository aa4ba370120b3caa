#include "engine/model.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include "base/log.hpp"
#include "engine/llama_api.hpp"

namespace cocoon::engine {
namespace {

constexpr std::size_t kMaxText = std::numeric_limits<std::int32_t>::max() / 2;
constexpr const char* kChatMl = "chatml";

}  // namespace

Model::Model(const LlamaApi& api, llama_model* model)
    : api_(api), model_(model), vocabulary_(api.llama_model_get_vocab(model)) {}

Model::~Model() { api_.llama_model_free(model_); }

Result<std::unique_ptr<Model>> Model::load(const std::string& path, const std::string& llama_dir,
                                           const std::atomic<bool>* give_up) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return fail("model {}: no such file", path);
  TRY_ASSIGN(const LlamaApi* const api, LlamaApi::open(llama_dir));
  auto params = api->llama_model_default_params();
  if (give_up) {
    params.progress_callback = [](float, void* flag) { return !static_cast<const std::atomic<bool>*>(flag)->load(); };
    params.progress_callback_user_data = const_cast<std::atomic<bool>*>(give_up);
  }
  LlamaApi::take_complaint();
  llama_model* handle = nullptr;
  try {
    handle = api->llama_model_load_from_file(path.c_str(), params);
  } catch (const std::exception& e) {
    return fail("model {}: {}", path, e.what());
  }
  if (!handle) return fail("model {}: llama.cpp cannot load it ({})", path, LlamaApi::take_complaint());
  std::unique_ptr<Model> model(new Model(*api, handle));
  if (api->llama_model_has_encoder(handle) || !api->llama_model_has_decoder(handle) ||
      api->llama_model_is_diffusion(handle))
    return fail("model {}: only decoder models are served", path);
  model->read_facts(path);
  return model;
}

std::string Model::metadata(const std::string& key) const {
  const auto length = api_.llama_model_meta_val_str(model_, key.c_str(), nullptr, 0);
  if (length <= 0) return {};
  std::string value(static_cast<std::size_t>(length) + 1, '\0');
  api_.llama_model_meta_val_str(model_, key.c_str(), value.data(), value.size());
  value.pop_back();
  return value;
}

void Model::read_facts(const std::string& path) {
  name_ = metadata("general.name");
  if (name_.empty()) name_ = std::filesystem::path(path).stem().string();
  if (const char* text = api_.llama_model_chat_template(model_, nullptr)) template_ = text;
  context_length_ = static_cast<std::uint32_t>(std::max(api_.llama_model_n_ctx_train(model_), 1));
  embedding_length_ = static_cast<std::uint32_t>(std::max(api_.llama_model_n_embd_out(model_), 0));
  vocabulary_size_ = static_cast<std::uint32_t>(std::max(api_.llama_vocab_n_tokens(vocabulary_), 0));
  parameters_ = api_.llama_model_n_params(model_);
  size_bytes_ = api_.llama_model_size(model_);
  const auto pooling = metadata(metadata("general.architecture") + ".pooling_type");
  pools_ = !pooling.empty() && pooling != std::to_string(LLAMA_POOLING_TYPE_NONE);
  ranks_ = pooling == std::to_string(LLAMA_POOLING_TYPE_RANK);

  std::string piece;
  for (Token token = 0; is_valid(token); ++token) {
    if (api_.llama_vocab_is_eog(vocabulary_, token)) end_tokens_.push_back(token);
    piece.clear();
    const auto length = api_.llama_token_to_piece(vocabulary_, token, nullptr, 0, 0, true);
    longest_piece_ = std::max(longest_piece_, static_cast<std::size_t>(length < 0 ? -length : length));
  }
}

Result<std::vector<Token>> Model::tokenize(std::string_view text, bool add_special, bool parse_special) const {
  if (text.size() > kMaxText) return fail("text of {} bytes is too long to tokenize", text.size());
  const auto length = static_cast<std::int32_t>(text.size());
  std::vector<Token> tokens(text.size() / 2 + 16);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto n = api_.llama_tokenize(vocabulary_, text.data(), length, tokens.data(),
                                       static_cast<std::int32_t>(tokens.size()), add_special, parse_special);
    if (n == std::numeric_limits<std::int32_t>::min()) break;
    tokens.resize(static_cast<std::size_t>(n < 0 ? -n : n));
    if (n >= 0) return tokens;
  }
  return fail("text of {} bytes could not be tokenized", text.size());
}

void Model::append_piece(Token token, std::string& to) const {
  if (!is_valid(token)) return;
  const auto before = to.size();
  to.resize(before + longest_piece_);
  const auto n = api_.llama_token_to_piece(vocabulary_, token, to.data() + before,
                                           static_cast<std::int32_t>(longest_piece_), 0, false);
  to.resize(before + static_cast<std::size_t>(std::max(n, 0)));
}

Result<std::string> Model::detokenize(std::span<const Token> tokens) const {
  if (tokens.size() > kMaxText / longest_piece_) return fail("{} tokens are too many for one text", tokens.size());
  for (const auto token : tokens)
    if (!is_valid(token)) return fail("token {} is not in the vocabulary of {}", token, vocabulary_size_);
  std::string text(tokens.size() * longest_piece_ + 16, '\0');
  const auto n = api_.llama_detokenize(vocabulary_, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                                       text.data(), static_cast<std::int32_t>(text.size()), false, true);
  if (n < 0) return fail("{} tokens could not be turned into text", tokens.size());
  text.resize(static_cast<std::size_t>(n));
  return text;
}

bool Model::ends_generation(Token token) const {
  return std::binary_search(end_tokens_.begin(), end_tokens_.end(), token);
}

Result<std::string> Model::chat_prompt(std::span<const ChatMessage> messages) const {
  std::vector<llama_chat_message> raw;
  std::size_t size = 256;
  for (const auto& message : messages) {
    raw.push_back({message.role.c_str(), message.content.c_str()});
    size += message.role.size() + message.content.size() + 64;
  }
  if (size > kMaxText) return fail("a conversation of {} bytes is too long", size);
  std::string prompt(size, '\0');
  const auto apply = [&](const char* text) {
    return api_.llama_chat_apply_template(text, raw.data(), raw.size(), true, prompt.data(),
                                          static_cast<std::int32_t>(prompt.size()));
  };
  const char* text = template_.empty() ? kChatMl : template_.c_str();
  auto n = apply(text);
  if (n < 0) n = apply(text = kChatMl);
  if (n > static_cast<std::int32_t>(prompt.size())) {
    prompt.resize(static_cast<std::size_t>(n));
    n = apply(text);
  }
  if (n < 0) return fail("the chat template of {} cannot be applied", name_);
  prompt.resize(static_cast<std::size_t>(n));
  return prompt;
}

}  // namespace cocoon::engine
