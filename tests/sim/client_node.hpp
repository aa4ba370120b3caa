#pragma once
#include <map>

#include "client/core/core.hpp"
#include "node.hpp"
#include "observer.hpp"

namespace cocoon::sim {

class ClientNode final : public RoleNode<ClientNode, client::Core, client::Event, client::Effect> {
 public:
  using Base = RoleNode<ClientNode, client::Core, client::Event, client::Effect>;
  ClientNode(Ground& ground, Observer& observer, std::size_t index, std::string name)
      : RoleNode(ground, std::move(name),
                 role::Peer{.public_key = {},
                            .image_hash = {},
                            .attested = false,
                            .tee = "none",
                            .verdict = "not attested",
                            .address = "10.0.1.1:4000"}),
        observer_(observer),
        index_(index) {}

  client::Config config;

  void boot();
  // The application asks. `bound`: the adjusted tokens that may be charged for it at most.
  void ask(const std::string& model, std::int32_t max_tokens, std::int32_t max_coefficient, bool stream,
           std::uint64_t bound);
  std::size_t running() const { return open_.size(); }
  std::uint64_t answered() const { return answered_; }
  // Adjusted tokens: what this client has used as far as it was told, and for what ended otherwise the most that it
  // can have cost.
  std::uint64_t used_at_most() const;

  // Does it know this contract of its?
  bool knows(const ton::Address& contract) const;

  void packet(role::PacketIn) override;
  void query_done(role::QueryDone) override;
  using Node::apply;
  void apply(client::ApiHead&) {}
  void apply(client::ApiPart&) {}
  void apply(client::ApiEnd& e);
  void apply(client::ApiFailed& e);
  void apply(client::ApiModelList&) {}
  void apply(client::Remember& e);
  void apply(client::OpenRoute&) {}  // the core carries parts itself when nobody else does
  void apply(client::CloseRoute&) {}

 private:
  void core_gone() override;

  Observer& observer_;
  std::size_t index_;
  std::map<ton::Address, Bytes> disk_;
  client::ApiId next_api_ = 1;
  std::map<client::ApiId, std::uint64_t> open_;  // bound of each
  std::uint64_t answered_ = 0, used_ = 0;
};

}  // namespace cocoon::sim
