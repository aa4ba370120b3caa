#include "engine/feed.hpp"

#include <utility>

namespace cocoon::engine {

class Feed::Choice : public Listener {
 public:
  Choice(std::shared_ptr<Feed> feed, std::uint32_t index) : feed_(std::move(feed)), index_(index) {}
  void text(std::string text, const Usage& so_far) override {
    usage_ = so_far;
    feed_->push({index_, std::move(text), so_far, {}, {}});
  }
  void token(ChosenToken token) override { feed_->push({index_, {}, usage_, {}, std::move(token)}); }
  void ended(const Outcome& outcome) override { feed_->push({index_, {}, outcome.usage, outcome.reason, {}}); }

 private:
  std::shared_ptr<Feed> feed_;
  std::uint32_t index_;
  Usage usage_;  // as last told
};

std::shared_ptr<Listener> Feed::listener(std::uint32_t choice) {
  return std::make_shared<Choice>(shared_from_this(), choice);
}

void Feed::push(Item item) {
  {
    std::lock_guard lock(guard_);
    items_.push_back(std::move(item));
    if (std::exchange(told_, true)) return;
  }
  net::asio::post(executor_, [self = shared_from_this()] {
    if (self->arrived_) self->arrived_();
  });
}

std::vector<Feed::Item> Feed::take() {
  std::lock_guard lock(guard_);
  told_ = false;
  return std::exchange(items_, {});
}

}  // namespace cocoon::engine
