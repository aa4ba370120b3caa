// Every number of the proxy core, with the value existing proxies use (wire.md 5, contracts.md 1.6) as its default.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"
#include "crypto/crypto.hpp"
#include "ton/contracts/params.hpp"

namespace cocoon::proxy {

using ton::kTon;

struct Config {
  // --- who we are
  crypto::Seed machine_seed;  // signs payments; its public key is part of the proxy contract
  crypto::Seed wallet_seed;   // of the node's wallet, which pays gas
  ton::Address owner;         // of the proxy contract: gets commission and stake
  ton::Address wallet_owner;  // may sweep and block the node's wallet
  ton::Cell wallet_code;      // of the node's wallet
  ton::Address root;          // the root contract
  bool is_test = false;       // must equal that of every peer (wire.md 4.3)
  bool testnet = false;       // tag of the friendly addresses we send: 0xD1 instead of 0x51

  // --- whom we admit. Off in tests only: a worker whose image or model the root does not list is refused.
  bool check_worker_image = true;
  Duration image_grace{0};  // for workers whose image leaves the list (role/image_list.hpp)
  bool check_model = true;

  // --- time
  Duration handshake_step = std::chrono::seconds(30);  // for each message a peer owes us during its handshake
  Duration authorisation = std::chrono::seconds(310);  // a client gives up after 300 s
  Duration change_model = std::chrono::seconds(60);    // for worker.changeModel
  Duration longest_wait = std::chrono::seconds(20);    // of a request for a worker with room
  Duration count_of_cut = std::chrono::seconds(1);     // until a worker has said what it delivered of a cut answer

  // --- limits
  std::size_t max_clients = 4096;              // links
  std::size_t max_workers = 4096;              // links
  std::size_t max_requests = 16384;            // running, all clients together
  std::size_t max_requests_per_client = 2048;  // running, one owner
  std::size_t max_waiting = 1024;              // of the running ones: those that no worker has room for yet
  std::size_t max_waiting_per_client = 256;    // one owner
  std::uint64_t max_kept_bytes = 256u << 20;   // of requests kept until their answer begins, for another try
  int max_attempts = 3;                        // workers that one request may be given to
  std::size_t max_models = 4096;               // base models ever seen; those with workers always count
  std::size_t max_group_keys = 64;
  std::uint64_t max_answer_bytes = 256u << 20;  // of one answer

  // --- money
  // Reserve with the largest token multiplier (contracts.md W-6) instead of 10000. What is reserved is the most that is
  // ever charged, so without this dear tokens (reasoning at 8 times the price) may be paid less than they cost.
  bool reserve_largest_multiplier = true;
  Duration snapshot_every = std::chrono::milliseconds(1500);
  Duration commit_every = std::chrono::seconds(45);
  std::uint64_t charge_client_at = 1 * kTon;  // committed, not yet charged
  std::uint64_t pay_worker_at = 10 * kTon;    // committed, not yet paid
  std::uint64_t withdraw_at = 10 * kTon;      // commission in the contract; 0: never
  // The proxy contract's stake is topped up to this, and on a production network at least to what that demands.
  std::uint64_t wanted_stake = 0;
  Duration settle_retry = std::chrono::seconds(120);  // a charge or payout without visible effect is sent again
};

}  // namespace cocoon::proxy
