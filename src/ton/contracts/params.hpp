// Parameters of a Cocoon network as contracts carry them (contracts.md 2.1): prices, delays, stakes and codes.
#pragma once
#include "ton/cell.hpp"

namespace cocoon::ton {

inline constexpr std::uint8_t kMaxStructVersion = 5;
inline constexpr std::uint64_t kTon = 1'000'000'000;  // nanoTON

// How raw tokens count, in ten-thousandths (10000 = x1).
struct Multipliers {
  std::uint32_t prompt = 10000, cached = 10000, completion = 10000, reasoning = 10000;
  friend bool operator==(const Multipliers&, const Multipliers&) = default;
};

struct Params {
  std::uint8_t struct_version = 4;  // 0..5; says which fields exist: absent ones have the values below
  std::uint32_t params_version = 0;
  std::uint32_t unique_id = 0;
  bool is_test = false;
  std::uint64_t price_per_token = 0;            // nanoTON per adjusted token: the client pays
  std::uint64_t worker_fee_per_token = 0;       // nanoTON per adjusted token: the worker gets
  Multipliers multipliers;                      // all four from version 3; cached and reasoning from 2
  std::uint32_t proxy_delay_before_close = 0;   // seconds
  std::uint32_t client_delay_before_close = 0;  // seconds
  std::uint64_t min_proxy_stake = kTon;         // nanoTON; from version 1
  std::uint64_t min_client_stake = kTon;        // nanoTON; from version 1
  std::optional<Cell> proxy_code, worker_code, client_code;

  friend bool operator==(const Params&, const Params&) = default;
};

// The same parameters in three hands differ in the codes that they carry. Addresses commit to the exact cell.
enum class Flavour {
  root,   // all three codes
  proxy,  // worker and client code
  leaf,   // none: what client and worker contracts carry
};

// Reads any flavour. Refuses struct versions over 5.
Result<Params> parse_params(const Cell&);
// An error if the flavour needs a code that is absent, or the struct version is over 5.
Result<Cell> build_params(const Params&, Flavour);
// Exactly the codes that are set.
Result<Cell> build_params(const Params&);

}  // namespace cocoon::ton
