// From the scheduler's thread to a coroutine of the server: what answers have become, in order.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/scheduler.hpp"
#include "net/asio.hpp"

namespace cocoon::engine {

// Bounded by its writers: an answer is at most as long as the context.
class Feed : public std::enable_shared_from_this<Feed> {
 public:
  struct Item {
    std::uint32_t choice = 0;
    std::string text;
    Usage usage;                                // of this choice so far
    std::optional<Result<FinishReason>> end{};  // the last item of the choice
    std::optional<ChosenToken> token{};         // of an item of its own
  };

  // `arrived` runs on `executor`, once for any number of items that nobody has taken yet.
  Feed(net::Executor executor, std::function<void()> arrived)
      : executor_(std::move(executor)), arrived_(std::move(arrived)) {}

  // What the scheduler reports to; keeps the feed alive.
  std::shared_ptr<Listener> listener(std::uint32_t choice);

  // On the executor.
  std::vector<Item> take();
  void close() { arrived_ = nullptr; }  // nobody listens any more

 private:
  class Choice;
  void push(Item item);

  net::Executor executor_;
  std::function<void()> arrived_;  // touched on the executor only
  std::mutex guard_;
  std::vector<Item> items_;
  bool told_ = false;
};

}  // namespace cocoon::engine
