// With the real model: models/tinychat.
#include "engine/scheduler.hpp"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "engine/json_grammar.hpp"

namespace cocoon::engine {
namespace {

const char* const kModel = COCOON_SOURCE_DIR "/models/tinychat/tinychat-q8_0.gguf";

// Collects one answer.
class Answer : public Listener {
 public:
  void text(std::string text, const Usage& so_far) override {
    std::lock_guard lock(guard_);
    text_ += text;
    ++pieces_;
    last_ = so_far;
    changed_.notify_all();
  }
  void ended(const Outcome& outcome) override {
    std::lock_guard lock(guard_);
    outcome_ = outcome;
    changed_.notify_all();
  }
  const Outcome& wait() {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [&] { return outcome_.has_value(); });
    return *outcome_;
  }
  void wait_for_text() {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [&] { return pieces_ > 0 || outcome_.has_value(); });
  }
  bool has_ended() {
    std::lock_guard lock(guard_);
    return outcome_.has_value();
  }
  std::string text() {
    std::lock_guard lock(guard_);
    return text_;
  }
  int pieces() const { return pieces_; }

 private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::string text_;
  int pieces_ = 0;
  Usage last_;
  std::optional<Outcome> outcome_;
};

class SchedulerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto loaded = Model::load(kModel, {});
    ASSERT_TRUE(loaded) << loaded.error().what;
    model_ = std::move(*loaded).release();
  }
  static void TearDownTestSuite() {
    delete model_;
    model_ = nullptr;
  }
  void begin(SchedulerConfig config = {}) {
    auto started = Scheduler::start(*model_, config);
    ASSERT_TRUE(started) << started.error().what;
    scheduler_ = std::move(*started);
  }
  static Generation ask(const std::string& text) {
    const ChatMessage message{"user", text};
    Generation g;
    g.prompt = *model_->tokenize(*model_->chat_prompt({&message, 1}), true, true);
    g.sampling.temperature = 0;
    g.max_tokens = 200;
    return g;
  }
  Outcome answer(Generation g, std::string& text) {
    auto listener = std::make_shared<Answer>();
    auto ticket = scheduler_->submit(std::move(g), listener);
    if (!ticket) return {std::unexpected(ticket.error()), {}};
    auto outcome = listener->wait();
    text = listener->text();
    return outcome;
  }
  // Never ends by itself before the context is full.
  static Generation endless() {
    auto g = ask("Tell me a story.");
    g.sampling.ignore_end = true;
    g.max_tokens = 0;
    return g;
  }

  static inline Model* model_ = nullptr;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, ModelTellsWhatItIs) {
  EXPECT_EQ(model_->name(), "tinychat");
  EXPECT_EQ(model_->context_length(), 1024U);
  EXPECT_EQ(model_->vocabulary_size(), 4096U);
  EXPECT_EQ(model_->embedding_length(), 256U);
  EXPECT_FALSE(model_->end_tokens().empty());
}

TEST_F(SchedulerTest, TokensMakeTheTextAgain) {
  for (const std::string text :
       {"Hello, world!", "", " spaces  and\nlines\t", "\xE2\x82\xAC 42 \xF0\x9F\x98\x80", "{\"a\": [1, 2]}"}) {
    const auto tokens = model_->tokenize(text, false, false);
    ASSERT_TRUE(tokens);
    EXPECT_EQ(*model_->detokenize(*tokens), text);
    std::string pieces;
    for (const auto token : *tokens) model_->append_piece(token, pieces);
    EXPECT_EQ(pieces, text);
    EXPECT_LE(model_->at_least_tokens(text), tokens->size());
  }
}

TEST_F(SchedulerTest, ControlTokensOnlyWhereAsked) {
  EXPECT_EQ(model_->tokenize("<|im_end|>", false, true)->size(), 1U);
  EXPECT_GT(model_->tokenize("<|im_end|>", false, false)->size(), 1U);
}

TEST_F(SchedulerTest, TokensOutsideTheVocabularyAreRefused) {
  for (const Token bad : {-1, 4096, 0x7FFFFFFF}) EXPECT_FALSE(model_->detokenize(std::vector<Token>{bad}));
}

TEST_F(SchedulerTest, TemplateIsTheModels) {
  const std::vector<ChatMessage> messages = {{"system", "S"}, {"user", "U"}};
  EXPECT_EQ(*model_->chat_prompt(messages),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(SchedulerTest, GreedyAnswerIsSensibleAndStable) {
  begin();
  std::string first;
  std::string second;
  const auto outcome = answer(ask("Hello"), first);
  ASSERT_TRUE(outcome.reason) << outcome.reason.error().what;
  EXPECT_EQ(*outcome.reason, FinishReason::stop);
  EXPECT_NE(first.find("ello"), std::string::npos) << first;
  answer(ask("Hello"), second);
  EXPECT_EQ(first, second);
}

TEST_F(SchedulerTest, UsageCountsWhatTheTokenizerCounts) {
  begin();
  auto g = ask("What is 2+3?");
  const auto prompt = g.prompt.size();
  std::string text;
  const auto outcome = answer(std::move(g), text);
  EXPECT_EQ(outcome.usage.prompt_tokens, prompt);
  EXPECT_EQ(outcome.usage.cached_tokens, 0U);
  // And the token that ends the answer.
  EXPECT_EQ(outcome.usage.completion_tokens, model_->tokenize(text, false, false)->size() + 1);
}

TEST_F(SchedulerTest, SeedsReproduceAndDiffer) {
  begin();
  const auto told = [&](std::uint32_t seed) {
    auto g = ask("Tell me a story.");
    g.sampling.temperature = 1.2F;
    g.sampling.min_p = 0;
    g.sampling.seed = seed;
    std::string text;
    EXPECT_TRUE(answer(std::move(g), text).reason);
    return text;
  };
  EXPECT_EQ(told(7), told(7));
  EXPECT_NE(told(7), told(8));
}

TEST_F(SchedulerTest, StopsAtSequencesAcrossTokens) {
  begin();
  std::string whole;
  answer(ask("Tell me a story."), whole);
  ASSERT_GT(whole.size(), 40U);
  // Every possible place: most of them divide tokens.
  for (std::size_t at = 5; at < 30; ++at) {
    auto g = ask("Tell me a story.");
    g.stops = {whole.substr(at, 6)};
    std::string text;
    const auto outcome = answer(std::move(g), text);
    EXPECT_EQ(*outcome.reason, FinishReason::stop);
    EXPECT_EQ(text, whole.substr(0, whole.find(whole.substr(at, 6))));
  }
}

TEST_F(SchedulerTest, MaxTokensIsExact) {
  begin();
  for (const std::uint32_t limit : {1U, 2U, 17U}) {
    auto g = endless();
    g.max_tokens = limit;
    std::string text;
    const auto outcome = answer(std::move(g), text);
    EXPECT_EQ(*outcome.reason, FinishReason::length);
    EXPECT_EQ(outcome.usage.completion_tokens, limit);
  }
}

TEST_F(SchedulerTest, AnswersEndWhereTheContextEnds) {
  begin({.slots = 1, .context_length = 256});
  ASSERT_EQ(scheduler_->context_length(), 256U);
  auto g = endless();
  const auto prompt = g.prompt.size();
  std::string text;
  const auto outcome = answer(std::move(g), text);
  EXPECT_EQ(*outcome.reason, FinishReason::length);
  EXPECT_EQ(outcome.usage.prompt_tokens, prompt);
  EXPECT_EQ(outcome.usage.prompt_tokens + outcome.usage.completion_tokens, 256U);
}

TEST_F(SchedulerTest, PromptsThatFillTheContextAreRefused) {
  begin({.slots = 1, .context_length = 256});
  for (const std::size_t size : {std::size_t{0}, std::size_t{256}, std::size_t{5000}}) {
    Generation g;
    g.prompt.assign(size, 100);
    const auto ticket = scheduler_->submit(std::move(g), std::make_shared<Answer>());
    ASSERT_FALSE(ticket);
    EXPECT_EQ(ticket.error().code, engine_too_long);
  }
  Generation g;
  g.prompt.assign(255, 100);
  std::string text;
  const auto outcome = answer(std::move(g), text);
  ASSERT_TRUE(outcome.reason);
  EXPECT_EQ(outcome.usage.completion_tokens, 1U);
}

TEST_F(SchedulerTest, PromptsLongerThanABatchAreDecodedInParts) {
  std::string at_once;
  std::string in_parts;
  begin();
  answer(ask("What is the capital of France? Answer in one word, please."), at_once);
  scheduler_.reset();
  begin({.slots = 4, .batch_tokens = 8});
  answer(ask("What is the capital of France? Answer in one word, please."), in_parts);
  EXPECT_EQ(at_once, in_parts);
  EXPECT_FALSE(at_once.empty());
}

TEST_F(SchedulerTest, ManyRequestsAtOnceGetTheirOwnAnswers) {
  begin({.slots = 8});
  const std::vector<std::string> questions = {"What is the capital of France?",
                                              "What is the capital of Italy?",
                                              "What is 2+3?",
                                              "What is 4+4?",
                                              "Hello",
                                              "Count to five.",
                                              "What color is the sky?",
                                              "Who are you?"};
  std::vector<std::string> alone(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) answer(ask(questions[i]), alone[i]);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::shared_ptr<Answer>> answers;
    std::vector<Scheduler::Ticket> tickets;
    for (const auto& question : questions) {
      answers.push_back(std::make_shared<Answer>());
      auto ticket = scheduler_->submit(ask(question), answers.back());
      ASSERT_TRUE(ticket);
      tickets.push_back(std::move(*ticket));
    }
    for (std::size_t i = 0; i < questions.size(); ++i) {
      EXPECT_TRUE(answers[i]->wait().reason);
      EXPECT_EQ(answers[i]->text(), alone[i]) << questions[i];
    }
  }
  EXPECT_EQ(scheduler_->counters().running, 0U);
}

TEST_F(SchedulerTest, MoreRequestsThanSlotsWaitTheirTurn) {
  begin({.slots = 2});
  std::vector<std::shared_ptr<Answer>> answers;
  std::vector<Scheduler::Ticket> tickets;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(std::make_shared<Answer>());
    auto ticket = scheduler_->submit(ask("Hello"), answers.back());
    ASSERT_TRUE(ticket);
    tickets.push_back(std::move(*ticket));
  }
  for (const auto& one : answers) EXPECT_TRUE(one->wait().reason);
  EXPECT_EQ(scheduler_->counters().finished, 20U);
}

TEST_F(SchedulerTest, AFullQueueSaysSo) {
  begin({.slots = 1, .queue_limit = 2});
  std::vector<Scheduler::Ticket> tickets;
  bool refused = false;
  for (int i = 0; i < 5 && !refused; ++i) {
    auto ticket = scheduler_->submit(endless(), std::make_shared<Answer>());
    if (!ticket) {
      EXPECT_EQ(ticket.error().code, engine_busy);
      refused = true;
    } else {
      tickets.push_back(std::move(*ticket));
    }
  }
  EXPECT_TRUE(refused);
}

TEST_F(SchedulerTest, CancelFreesTheSlotAtOnce) {
  begin({.slots = 1});
  auto first = std::make_shared<Answer>();
  auto ticket = scheduler_->submit(endless(), first);
  ASSERT_TRUE(ticket);
  first->wait_for_text();
  ticket->cancel();
  std::string text;
  EXPECT_TRUE(answer(ask("Hello"), text).reason);
  EXPECT_FALSE(first->has_ended());
  EXPECT_EQ(scheduler_->counters().cancelled, 1U);
  EXPECT_EQ(scheduler_->counters().running, 0U);
}

TEST_F(SchedulerTest, CancelledInTheQueueNeverRuns) {
  begin({.slots = 1});
  auto running = std::make_shared<Answer>();
  auto first = scheduler_->submit(endless(), running);
  running->wait_for_text();
  auto waiting = std::make_shared<Answer>();
  { auto second = scheduler_->submit(ask("Hello"), waiting); }
  first->cancel();
  std::string text;
  EXPECT_TRUE(answer(ask("Hello"), text).reason);
  EXPECT_EQ(waiting->pieces(), 0);
  EXPECT_EQ(scheduler_->counters().cancelled, 2U);
}

TEST_F(SchedulerTest, EndingTellsEverybody) {
  begin({.slots = 1});
  auto running = std::make_shared<Answer>();
  auto waiting = std::make_shared<Answer>();
  auto first = scheduler_->submit(endless(), running);
  auto second = scheduler_->submit(endless(), waiting);
  running->wait_for_text();
  scheduler_.reset();
  ASSERT_FALSE(running->wait().reason);
  EXPECT_EQ(running->wait().reason.error().code, engine_stopped);
  ASSERT_FALSE(waiting->wait().reason);
  EXPECT_EQ(waiting->wait().reason.error().code, engine_stopped);
}

TEST_F(SchedulerTest, PrefixesAreSharedWithinOneSaltOnly) {
  begin();
  auto g = ask("What is the capital of France?");
  g.cache_salt = "tenant-1";
  const auto prompt = static_cast<std::uint32_t>(g.prompt.size());
  std::string first;
  std::string again;
  EXPECT_EQ(answer(g, first).usage.cached_tokens, 0U);
  EXPECT_EQ(answer(g, again).usage.cached_tokens, prompt - 1);
  EXPECT_EQ(first, again);
  g.cache_salt = "tenant-2";
  EXPECT_EQ(answer(g, again).usage.cached_tokens, 0U);
  g.cache_salt.clear();
  EXPECT_EQ(answer(g, again).usage.cached_tokens, 0U);
  EXPECT_EQ(answer(g, again).usage.cached_tokens, 0U);
  EXPECT_EQ(first, again);
}

TEST_F(SchedulerTest, JsonGrammarHoldsWhateverIsAsked) {
  begin();
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    auto g = ask("Hello");
    g.sampling.grammar = json_object_grammar();
    g.sampling.temperature = 1.0F;
    g.sampling.seed = seed;
    std::string text;
    const auto outcome = answer(std::move(g), text);
    ASSERT_TRUE(outcome.reason) << outcome.reason.error().what;
    EXPECT_EQ(text.front(), '{');
    if (*outcome.reason == FinishReason::stop) {
      EXPECT_EQ(text[text.find_last_not_of(" \n\t")], '}') << text;
    }
  }
}

TEST_F(SchedulerTest, LogitBiasForbidsAndForces) {
  begin();
  std::string text;
  auto g = ask("Hello");
  g.sampling.logit_bias = {{500, 100.0F}};
  g.max_tokens = 3;
  answer(g, text);
  std::string piece;
  model_->append_piece(500, piece);
  EXPECT_EQ(text, piece + piece + piece);
}

TEST_F(SchedulerTest, PenaltiesChangeTheAnswer) {
  begin();
  std::string plain;
  answer(ask("Tell me a story."), plain);
  for (const auto penalty :
       {&Sampling::presence_penalty, &Sampling::frequency_penalty, &Sampling::repetition_penalty}) {
    auto g = ask("Tell me a story.");
    g.sampling.*penalty = 2.0F;
    std::string text;
    EXPECT_TRUE(answer(std::move(g), text).reason);
    EXPECT_NE(text, plain);
  }
}

Result<std::vector<float>> embedded(Scheduler& scheduler, std::vector<Token> tokens) {
  std::mutex guard;
  std::condition_variable changed;
  std::optional<Result<std::vector<float>>> out;
  const auto accepted = scheduler.embed(std::move(tokens), [&](Result<std::vector<float>> vector) {
    std::lock_guard lock(guard);
    out = std::move(vector);
    changed.notify_all();
  });
  if (!accepted) return std::unexpected(accepted.error());
  std::unique_lock lock(guard);
  changed.wait(lock, [&] { return out.has_value(); });
  return *out;
}

float cosine(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST_F(SchedulerTest, EmbeddingsAreUnitVectorsThatTellTextsApart) {
  begin();
  const auto of = [&](const std::string& text) { return embedded(*scheduler_, *model_->tokenize(text, true, false)); };
  const auto paris = of("What is the capital of France?");
  const auto rome = of("What is the capital of Italy?");
  const auto sum = of("7 + 5 = 12");
  ASSERT_TRUE(paris && rome && sum);
  EXPECT_EQ(paris->size(), 256U);
  EXPECT_NEAR(cosine(*paris, *paris), 1, 1e-4);
  EXPECT_GT(cosine(*paris, *rome), cosine(*paris, *sum));
  EXPECT_EQ(*of("What is the capital of France?"), *paris);
}

TEST_F(SchedulerTest, EmbeddingsWhileOthersTalk) {
  begin();
  auto talking = std::make_shared<Answer>();
  auto ticket = scheduler_->submit(endless(), talking);
  EXPECT_TRUE(embedded(*scheduler_, {100, 101, 102}));
  EXPECT_EQ(embedded(*scheduler_, {}).error().code, engine_too_long);
  EXPECT_EQ(embedded(*scheduler_, std::vector<Token>(1025, 100)).error().code, engine_too_long);
}

TEST(ModelFile, WrongFilesAreErrors) {
  EXPECT_FALSE(Model::load("/nonexistent.gguf", {}));
  EXPECT_FALSE(Model::load("/", {}));
  const auto text = Model::load(COCOON_SOURCE_DIR "/models/tinychat/README.md", {});
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().what.find("magic"), std::string::npos) << text.error().what;
}

TEST_F(SchedulerTest, LoadingCanBeGivenUp) {
  const std::atomic<bool> give_up = true;
  EXPECT_FALSE(Model::load(kModel, {}, &give_up));
}

TEST_F(SchedulerTest, ImpossibleSizesAreErrors) {
  EXPECT_FALSE(Scheduler::start(*model_, {.slots = 0}));
  EXPECT_FALSE(Scheduler::start(*model_, {.slots = 1000}));
  EXPECT_FALSE(Scheduler::start(*model_, {.slots = 8, .batch_tokens = 4}));
  EXPECT_FALSE(Scheduler::start(*model_, {.threads = 0}));
}

}  // namespace
}  // namespace cocoon::engine
