#include "engine/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.hpp"
#include "engine/embedder.hpp"
#include "engine/llama_api.hpp"
#include "engine/text_stream.hpp"

namespace cocoon::engine {

struct Scheduler::Work {
  Generation generation;
  std::shared_ptr<Listener> listener;
  std::atomic<bool> cancelled = false;
};

Scheduler::Ticket& Scheduler::Ticket::operator=(Ticket&& other) noexcept {
  cancel();
  work_ = std::move(other.work_);
  return *this;
}

void Scheduler::Ticket::cancel() {
  // The scheduler's thread looks at this before and during every step; when it sleeps there is nothing to cancel.
  if (work_) work_->cancelled = true;
  work_.reset();
}

namespace {

using Clock = std::chrono::steady_clock;

// One sequence of the context and the request that holds it.
struct Slot {
  llama_seq_id id = 0;
  std::shared_ptr<Scheduler::Work> work;
  std::optional<Sampler> sampler;
  std::optional<TextStream> text;
  std::vector<Token> kept;   // what the context holds for this sequence, in order
  std::string salt;          // of the request that computed `kept`
  std::vector<Token> ahead;  // to be decoded next: the rest of the prompt, then each chosen token
  std::size_t taken = 0;     // of `ahead`, by the batch under way
  std::int32_t row = -1;     // of the batch, whose output decides the next token
  Usage usage;
  std::uint32_t budget = 0;  // tokens this request may still choose
};

class Batch {
 public:
  Batch(const LlamaApi& api, std::uint32_t capacity)
      : api_(api), capacity_(capacity), raw_(api.llama_batch_init(static_cast<std::int32_t>(capacity), 0, 1)) {}
  ~Batch() { api_.llama_batch_free(raw_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() { raw_.n_tokens = 0; }
  std::size_t room() const { return capacity_ - static_cast<std::size_t>(raw_.n_tokens); }
  bool empty() const { return raw_.n_tokens == 0; }
  const llama_batch& raw() const { return raw_; }
  std::int32_t add(Token token, std::size_t position, llama_seq_id sequence, bool output) {
    const auto row = raw_.n_tokens++;
    raw_.token[row] = token;
    raw_.pos[row] = static_cast<llama_pos>(position);
    raw_.n_seq_id[row] = 1;
    raw_.seq_id[row][0] = sequence;
    raw_.logits[row] = output ? 1 : 0;
    return row;
  }

 private:
  const LlamaApi& api_;
  std::size_t capacity_;
  llama_batch raw_;
};

std::unexpected<Error> stopping() { return fail(engine_stopped, "the engine is stopping"); }

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

class Scheduler::Engine {
 public:
  Engine(const Model& model, const SchedulerConfig& config, llama_context* context, std::uint32_t context_length)
      : model_(model),
        api_(model.api()),
        config_(config),
        context_(context),
        context_length_(context_length),
        batch_(api_, config.batch_tokens),
        embedder_(model, std::min(context_length_, kEmbeddingContext), config.threads),
        slots_(config.slots) {
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].id = static_cast<llama_seq_id>(i);
    api_.llama_set_abort_callback(
        context_, [](void* self) { return static_cast<Engine*>(self)->nobody_waits(); }, this);
    thread_ = std::thread([this] { run(); });
  }
  ~Engine() {
    {
      std::lock_guard lock(guard_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    api_.llama_free(context_);
  }

  Result<Ticket> submit(Generation generation, std::shared_ptr<Listener> listener);
  Result<> embed(std::vector<Token> tokens, EmbeddingDone done);

  static constexpr std::uint32_t kEmbeddingContext = 2048;

  const Model& model_;
  const LlamaApi& api_;
  SchedulerConfig config_;
  llama_context* context_;
  std::uint32_t context_length_;
  SchedulerCounters counters_;

 private:
  struct EmbeddingWork {
    std::vector<Token> tokens;
    EmbeddingDone done;
  };

  void run();
  bool wait_for_work();
  void drop_cancelled();
  void admit();
  void seat(std::shared_ptr<Work> work);
  Slot& choose_slot(const Generation& generation);
  void reuse_prefix(Slot& slot, const Generation& generation);
  void embed_one();
  bool fill_batch();
  void add_to_batch(Slot& slot);
  void step();
  void give_up(Slot& slot, std::int32_t status);
  void choose_next(Slot& slot);
  void finish(Slot& slot, Result<FinishReason> reason);
  void release(Slot& slot, bool keep);
  void end_everything();
  bool nobody_waits() const;

  Batch batch_;
  Embedder embedder_;
  std::vector<Slot> slots_;
  std::size_t turn_ = 0;  // the slot whose prompt is served first

  std::mutex guard_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Work>> queue_;  // guarded
  std::deque<EmbeddingWork> embeddings_;     // guarded
  std::atomic<bool> stopping_ = false;       // written under the guard
  std::thread thread_;
};

Result<Scheduler::Ticket> Scheduler::Engine::submit(Generation generation, std::shared_ptr<Listener> listener) {
  if (generation.prompt.empty()) return fail(engine_too_long, "an empty prompt cannot be continued");
  if (generation.prompt.size() >= context_length_)
    return fail(engine_too_long, "the prompt has {} tokens, the context holds {} with the answer",
                generation.prompt.size(), context_length_);
  auto work = std::make_shared<Work>();
  work->generation = std::move(generation);
  work->listener = std::move(listener);
  {
    std::lock_guard lock(guard_);
    if (stopping_) return stopping();
    if (queue_.size() >= config_.queue_limit + slots_.size())
      return fail(engine_busy, "{} requests are waiting already", queue_.size());
    queue_.push_back(work);
    counters_.queued = static_cast<std::uint32_t>(queue_.size());
  }
  wake_.notify_one();
  return Ticket(std::move(work));
}

Result<> Scheduler::Engine::embed(std::vector<Token> tokens, EmbeddingDone done) {
  if (tokens.empty() || tokens.size() > embedder_.limit())
    return fail(engine_too_long, "the text has {} tokens, between 1 and {} can be embedded", tokens.size(),
                embedder_.limit());
  {
    std::lock_guard lock(guard_);
    if (stopping_) return stopping();
    if (embeddings_.size() >= config_.queue_limit)
      return fail(engine_busy, "{} texts are waiting already", embeddings_.size());
    embeddings_.push_back({std::move(tokens), std::move(done)});
  }
  wake_.notify_one();
  return {};
}

void Scheduler::Engine::run() {
  while (wait_for_work()) {
    const auto began = Clock::now();
    drop_cancelled();
    admit();
    embed_one();
    if (fill_batch()) step();
    const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    counters_.busy_microseconds += static_cast<std::uint64_t>(spent.count());
  }
  end_everything();
}

bool Scheduler::Engine::wait_for_work() {
  const bool active = std::ranges::any_of(slots_, [](const Slot& s) { return s.work != nullptr; });
  std::unique_lock lock(guard_);
  if (!active) wake_.wait(lock, [&] { return stopping_ || !queue_.empty() || !embeddings_.empty(); });
  return !stopping_;
}

void Scheduler::Engine::drop_cancelled() {
  for (auto& slot : slots_) {
    if (!slot.work || !slot.work->cancelled) continue;
    ++counters_.cancelled;
    release(slot, true);
  }
  std::lock_guard lock(guard_);
  counters_.cancelled += std::erase_if(queue_, [](const auto& work) { return work->cancelled.load(); });
  counters_.queued = static_cast<std::uint32_t>(queue_.size());
}

void Scheduler::Engine::admit() {
  while (std::ranges::any_of(slots_, [](const Slot& s) { return s.work == nullptr; })) {
    std::shared_ptr<Work> work;
    {
      std::lock_guard lock(guard_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
      counters_.queued = static_cast<std::uint32_t>(queue_.size());
    }
    seat(std::move(work));
  }
}

void Scheduler::Engine::seat(std::shared_ptr<Work> work) {
  const auto& generation = work->generation;
  auto sampler = Sampler::make(model_, generation.sampling, generation.prompt);
  if (!sampler) {
    ++counters_.failed;
    work->listener->ended({fail(engine_failed, std::move(sampler.error().what)), {}});
    return;
  }
  auto& slot = choose_slot(generation);
  reuse_prefix(slot, generation);
  slot.sampler.emplace(std::move(*sampler));
  slot.text.emplace(generation.stops);
  slot.ahead.assign(generation.prompt.begin() + static_cast<std::ptrdiff_t>(slot.kept.size()), generation.prompt.end());
  slot.usage = {static_cast<std::uint32_t>(generation.prompt.size()), static_cast<std::uint32_t>(slot.kept.size()), 0};
  const auto room = context_length_ - slot.usage.prompt_tokens;
  slot.budget = generation.max_tokens == 0 ? room : std::min(room, generation.max_tokens);
  slot.work = std::move(work);
  counters_.prompt_tokens += slot.usage.prompt_tokens;
  counters_.cached_tokens += slot.usage.cached_tokens;
  ++counters_.running;
}

Slot& Scheduler::Engine::choose_slot(const Generation& generation) {
  Slot* best = nullptr;
  std::size_t most = 0;
  for (auto& slot : slots_) {
    if (slot.work) continue;
    const bool shares = !generation.cache_salt.empty() && slot.salt == generation.cache_salt;
    const auto common = shares ? common_prefix(slot.kept, generation.prompt) : 0;
    // Among equals the one that keeps least: what others may come back for stays.
    if (!best || common > most || (common == most && slot.kept.size() < best->kept.size())) {
      best = &slot;
      most = common;
    }
  }
  return *best;  // admit() asks only while one is free
}

void Scheduler::Engine::reuse_prefix(Slot& slot, const Generation& generation) {
  const bool shares = !generation.cache_salt.empty() && slot.salt == generation.cache_salt;
  // At least one token is decoded anew: its output is where the answer begins.
  auto common = shares ? std::min(common_prefix(slot.kept, generation.prompt), generation.prompt.size() - 1) : 0;
  auto* const memory = api_.llama_get_memory(context_);
  if (common < slot.kept.size() && !api_.llama_memory_seq_rm(memory, slot.id, static_cast<llama_pos>(common), -1)) {
    // Recurrent models cannot forget a part.
    api_.llama_memory_seq_rm(memory, slot.id, -1, -1);
    common = 0;
  }
  slot.kept.resize(common);
  slot.salt = generation.cache_salt;
}

void Scheduler::Engine::embed_one() {
  EmbeddingWork work;
  {
    std::lock_guard lock(guard_);
    if (embeddings_.empty()) return;
    work = std::move(embeddings_.front());
    embeddings_.pop_front();
  }
  auto vector = embedder_.embed(work.tokens);
  if (vector) counters_.embedded_tokens += work.tokens.size();
  work.done(std::move(vector));
}

bool Scheduler::Engine::fill_batch() {
  batch_.clear();
  // Those who answer have one token each; prompts share the rest, a different one first each time.
  for (auto& slot : slots_) {
    slot.taken = 0;
    slot.row = -1;
    if (slot.work && slot.ahead.size() == 1) add_to_batch(slot);
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[(turn_ + i) % slots_.size()];
    if (slot.work && slot.ahead.size() > 1) add_to_batch(slot);
  }
  turn_ = (turn_ + 1) % slots_.size();
  return !batch_.empty();
}

void Scheduler::Engine::add_to_batch(Slot& slot) {
  slot.taken = std::min(slot.ahead.size(), batch_.room());
  for (std::size_t i = 0; i < slot.taken; ++i) {
    const bool last = i + 1 == slot.ahead.size();
    const auto row = batch_.add(slot.ahead[i], slot.kept.size() + i, slot.id, last);
    if (last) slot.row = row;
  }
}

void Scheduler::Engine::step() {
  std::int32_t status = -1;
  try {
    status = api_.llama_decode(context_, batch_.raw());
  } catch (const std::exception&) {
    status = -1;
  }
  ++counters_.steps;
  for (auto& slot : slots_) {
    if (slot.taken == 0) continue;
    if (status != 0) {
      give_up(slot, status);
      continue;
    }
    slot.kept.insert(slot.kept.end(), slot.ahead.begin(), slot.ahead.begin() + static_cast<std::ptrdiff_t>(slot.taken));
    slot.ahead.erase(slot.ahead.begin(), slot.ahead.begin() + static_cast<std::ptrdiff_t>(slot.taken));
    if (slot.row >= 0) choose_next(slot);
  }
}

// The batch was aborted or failed: what the context holds of this sequence is uncertain.
void Scheduler::Engine::give_up(Slot& slot, std::int32_t status) {
  if (slot.work->cancelled) {
    ++counters_.cancelled;
    return release(slot, false);
  }
  if (stopping_) return finish(slot, stopping());
  log::warn("engine", "llama.cpp could not decode a batch (status {})", status);
  finish(slot, fail(engine_failed, "llama.cpp could not decode (status {})", status));
}

void Scheduler::Engine::choose_next(Slot& slot) {
  auto token = slot.sampler->sample(context_, slot.row);
  if (!token) return finish(slot, fail(engine_failed, std::move(token.error().what)));
  ++slot.usage.completion_tokens;
  ++counters_.completion_tokens;
  const bool end = model_.ends_generation(*token);
  if (!end) {
    if (const int top = slot.work->generation.sampling.logprobs; top >= 0)
      slot.work->listener->token(slot.sampler->describe(context_, slot.row, *token, top));
    std::string piece;
    model_.append_piece(*token, piece);
    if (auto text = slot.text->push(piece); !text.empty()) slot.work->listener->text(std::move(text), slot.usage);
  }
  if (end || slot.text->stopped()) return finish(slot, FinishReason::stop);
  if (slot.usage.completion_tokens >= slot.budget) return finish(slot, FinishReason::length);
  slot.ahead.push_back(*token);
}

void Scheduler::Engine::finish(Slot& slot, Result<FinishReason> reason) {
  const bool good = reason.has_value();
  ++(good ? counters_.finished : counters_.failed);
  const auto listener = slot.work->listener;
  const auto usage = slot.usage;
  auto rest = good ? slot.text->finish() : std::string();
  // Free before it is told, so that who hears of the end finds the slot free.
  release(slot, good);
  if (!rest.empty()) listener->text(std::move(rest), usage);
  listener->ended({std::move(reason), usage});
}

// Frees the slot; `keep`: what the context holds of it is sound and may serve a later request of the same salt.
void Scheduler::Engine::release(Slot& slot, bool keep) {
  if (slot.work) --counters_.running;
  slot.work.reset();
  slot.sampler.reset();
  slot.text.reset();
  slot.ahead.clear();
  if (keep && !slot.salt.empty()) return;
  api_.llama_memory_seq_rm(api_.llama_get_memory(context_), slot.id, -1, -1);
  slot.kept.clear();
  slot.salt.clear();
}

void Scheduler::Engine::end_everything() {
  for (auto& slot : slots_)
    if (slot.work) finish(slot, stopping());
  std::deque<std::shared_ptr<Work>> queue;
  std::deque<EmbeddingWork> embeddings;
  {
    std::lock_guard lock(guard_);
    queue.swap(queue_);
    embeddings.swap(embeddings_);
  }
  for (const auto& work : queue) work->listener->ended({stopping(), {}});
  for (const auto& work : embeddings) work.done(stopping());
}

// What llama.cpp asks between two operations of a step: whether nobody is left who wants its result.
bool Scheduler::Engine::nobody_waits() const {
  if (stopping_) return true;
  return std::ranges::none_of(slots_, [](const Slot& s) { return s.taken > 0 && !s.work->cancelled; });
}

Scheduler::Scheduler(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Scheduler::~Scheduler() = default;

Result<std::unique_ptr<Scheduler>> Scheduler::start(const Model& model, const SchedulerConfig& config) {
  if (config.slots == 0 || config.slots > 64) return fail("slots: {}, between 1 and 64 are possible", config.slots);
  if (config.threads < 1 || config.threads > 512) return fail("threads: {}, between 1 and 512", config.threads);
  if (config.batch_tokens < config.slots || config.batch_tokens > 65536)
    return fail("batch_tokens: {}, between the number of slots and 65536", config.batch_tokens);
  const auto& api = model.api();
  auto params = api.llama_context_default_params();
  const auto wanted =
      config.context_length == 0 ? model.context_length() : std::min(config.context_length, model.context_length());
  if (wanted > 0xFFFFFFFFU / config.slots) return fail("a context of {} tokens is too long", wanted);
  params.n_ctx = wanted * config.slots;
  params.n_seq_max = config.slots;
  params.n_batch = params.n_ubatch = config.batch_tokens;
  params.n_threads = params.n_threads_batch = config.threads;
  params.no_perf = true;
  // One cache for all slots: their tokens are multiplied together, which doubles what eight short answers get from a
  // processor, and costs nothing when all are long. It has room for every slot's whole context.
  params.kv_unified = true;
  // On processors flash attention takes twice the time of the plain one.
  if (!api.has_gpu) params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = nullptr;
  try {
    context = api.llama_init_from_model(model.handle(), params);
  } catch (const std::exception& e) {
    return fail("no context of {} x {} tokens for {}: {}", config.slots, wanted, model.name(), e.what());
  }
  if (!context)
    return fail("no context of {} x {} tokens for {}; is the memory short?", config.slots, wanted, model.name());
  auto engine = std::make_unique<Engine>(model, config, context, wanted);
  return std::unique_ptr<Scheduler>(new Scheduler(std::move(engine)));
}

Result<Scheduler::Ticket> Scheduler::submit(Generation generation, std::shared_ptr<Listener> listener) {
  return engine_->submit(std::move(generation), std::move(listener));
}
Result<> Scheduler::embed(std::vector<Token> tokens, EmbeddingDone done) {
  return engine_->embed(std::move(tokens), std::move(done));
}
std::uint32_t Scheduler::context_length() const { return engine_->context_length_; }
std::uint32_t Scheduler::embedding_limit() const {
  return std::min(engine_->context_length_, Engine::kEmbeddingContext);
}
std::uint32_t Scheduler::slots() const { return engine_->config_.slots; }
const SchedulerCounters& Scheduler::counters() const { return engine_->counters_; }

}  // namespace cocoon::engine
