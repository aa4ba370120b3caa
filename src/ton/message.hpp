// Messages between accounts and from outside (TL-B Message, also its relaxed form without sender).
#pragma once
#include <variant>

#include "ton/currency.hpp"
#include "ton/state_init.hpp"

namespace cocoon::ton {

// An address outside of the chain: up to 511 bits that only their owner understands.
struct ExternalAddress {
  BitString bits;
  friend bool operator==(const ExternalAddress&, const ExternalAddress&) = default;
};

struct InternalInfo {
  bool ihr_disabled = true, bounce = false, bounced = false;
  std::optional<Address> src;  // absent in messages on their way to a wallet: the chain fills it in
  Address dest;
  Currency value;
  std::uint64_t ihr_fee = 0, fwd_fee = 0;  // nanoTON
  std::uint64_t created_lt = 0;
  std::uint32_t created_at = 0;  // unix seconds
};

struct ExternalInInfo {
  std::optional<ExternalAddress> src;
  Address dest;
  std::uint64_t import_fee = 0;
};

struct ExternalOutInfo {
  std::optional<Address> src;
  std::optional<ExternalAddress> dest;
  std::uint64_t created_lt = 0;
  std::uint32_t created_at = 0;
};

struct Message {
  std::variant<InternalInfo, ExternalInInfo, ExternalOutInfo> info;
  std::optional<StateInit> init;
  Cell body;  // also when it lies inline: then its content as a cell of its own

  const InternalInfo* internal() const { return std::get_if<InternalInfo>(&info); }
  const ExternalInInfo* external_in() const { return std::get_if<ExternalInInfo>(&info); }
  const ExternalOutInfo* external_out() const { return std::get_if<ExternalOutInfo>(&info); }
};

Result<Message> parse_message(const Cell&);

// Where init and body go. `ref` is how nodes write them (contracts.md 5); an empty body is always inline, as no bits.
enum class Place { ref, inline_ };
// An error only if something was to be inline and does not fit.
Result<Cell> build_message(const Message&, Place init = Place::ref, Place body = Place::ref);

}  // namespace cocoon::ton
