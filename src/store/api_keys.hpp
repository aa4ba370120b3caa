// Keys of the client's HTTP API: who may use it, for how much, how fast, which models. Blocking; in a database of its
// own that a running client and the command line have open at the same time.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace cocoon::store {

struct ApiKey {
  std::int64_t id = 0;
  std::string name;                 // unique among all keys, revoked ones included
  std::int64_t created = 0;         // unix seconds
  std::int64_t revoked = 0;         // unix seconds; 0: valid
  std::int64_t budget = 0;          // nanoTON that may be spent with it in all; 0: no limit
  std::int64_t per_minute = 0;      // requests; 0: no limit
  std::vector<std::string> models;  // names it may use; empty: all
  std::int64_t spent = 0;           // nanoTON so far
  std::int64_t requests = 0;        // so far
};

class ApiKeys {
 public:
  // Opens the database, or makes it (mode 600).
  static Result<ApiKeys> open(const std::filesystem::path& file);
  ApiKeys(ApiKeys&&) noexcept;
  ApiKeys& operator=(ApiKeys&&) noexcept;
  ~ApiKeys();

  // `hash`: SHA-256 of the secret, which is never stored. The secret is 256 random bits: a plain hash is enough.
  // Id, spent, requests and revoked of `key` are ignored. Error: the name is taken.
  Result<> add(const ApiKey& key, const Bits256& hash);
  // Valid keys and revoked ones, by age.
  Result<std::vector<ApiKey>> list();
  // Error: no valid key has this name.
  Result<> revoke(std::string_view name, std::int64_t now);

  // The valid key with this hash.
  Result<std::optional<ApiKey>> find(const Bits256& hash);
  // Adds to what was spent and counts a request.
  Result<> charge(std::int64_t id, std::int64_t nano);

 private:
  struct State;
  explicit ApiKeys(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::store
