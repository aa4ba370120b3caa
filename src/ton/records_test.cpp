// Transactions and accounts as the official executor wrote them, against what @ton/core reads in them
// (testdata/record_transactions.cjs).
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "ton/account.hpp"
#include "ton/boc.hpp"
#include "ton/transaction.hpp"

namespace cocoon::ton {
namespace {

namespace json = boost::json;

const json::array& records() {
  static const json::value all = [] {
    std::ifstream in(std::string(COCOON_SOURCE_DIR) + "/src/ton/testdata/transactions.json");
    std::stringstream text;
    text << in.rdbuf();
    return json::parse(text.str());
  }();
  return all.as_array();
}

std::string text(const json::value& v) { return v.is_null() ? "" : std::string(std::string_view(v.as_string())); }
std::uint64_t number(const json::value& v) {
  if (v.is_null()) return 0;
  return v.is_string() ? std::stoull(text(v)) : v.to_number<std::uint64_t>();
}
Cell cell(const json::value& v) { return read_boc(from_base64(text(v)).value()).value(); }

const char* name(AccountStatus s) {
  constexpr std::array names{"uninitialized", "frozen", "active", "non-existing"};
  return names[static_cast<std::size_t>(s)];
}
const char* name(SkipReason r) {
  constexpr std::array names{"", "no-state", "bad-state", "no-gas", "suspended"};
  return names[static_cast<std::size_t>(r)];
}
const char* name(BouncePhase p) {
  constexpr std::array names{"", "negative-funds", "no-funds", "ok"};
  return names[static_cast<std::size_t>(p)];
}

void compare_compute(const ComputePhase& c, const json::object& e) {
  if (e.contains("skipped")) {
    EXPECT_EQ(name(c.skipped), text(e.at("skipped")));
    return;
  }
  EXPECT_EQ(c.skipped, SkipReason::none);
  EXPECT_EQ(c.success, e.at("success").as_bool());
  EXPECT_EQ(c.exit_code, e.at("exit_code").as_int64());
  EXPECT_EQ(c.gas_used, number(e.at("gas_used")));
  EXPECT_EQ(c.gas_limit, number(e.at("gas_limit")));
  EXPECT_EQ(c.gas_fees, number(e.at("gas_fees")));
  EXPECT_EQ(c.vm_steps, number(e.at("vm_steps")));
}

void compare_action(const std::optional<ActionPhase>& a, const json::value& e) {
  ASSERT_EQ(a.has_value(), !e.is_null());
  if (!a) return;
  EXPECT_EQ(a->success, e.at("success").as_bool());
  EXPECT_EQ(a->valid, e.at("valid").as_bool());
  EXPECT_EQ(a->no_funds, e.at("no_funds").as_bool());
  EXPECT_EQ(a->result_code, e.at("result_code").as_int64());
  EXPECT_EQ(a->actions, number(e.at("actions")));
  EXPECT_EQ(a->skipped, number(e.at("skipped")));
  EXPECT_EQ(a->messages, number(e.at("messages")));
  EXPECT_EQ(a->forward_fees, number(e.at("forward_fees")));
  EXPECT_EQ(a->action_fees, number(e.at("action_fees")));
}

void compare_in(const TransactionMessage& m, const json::value& e) {
  ASSERT_TRUE(m.message);
  EXPECT_EQ(to_hex(m.message->body.hash().view()), text(e.at("body_hash")));
  EXPECT_EQ(m.message->init.has_value(), e.at("has_init").as_bool());
  if (text(e.at("type")) == "external-in") {
    EXPECT_TRUE(m.message->external_in());
    return;
  }
  const auto* info = m.message->internal();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->src ? to_raw_text(*info->src) : "", text(e.at("src")));
  EXPECT_EQ(info->value.coins, number(e.at("value")));
  EXPECT_EQ(info->bounced, e.at("bounced").as_bool());
}

TEST(Records, Transactions) {
  ASSERT_GE(records().size(), 15u);
  for (const auto& record : records()) {
    const auto& e = record.at("expected");
    const Cell c = cell(record.at("transaction"));
    EXPECT_EQ(to_hex(c.hash().view()), text(record.at("hash")));
    const auto parsed = parse_transaction(c);
    ASSERT_TRUE(parsed) << parsed.error().what;
    const Transaction& t = *parsed;
    EXPECT_EQ(t.hash, c.hash());
    EXPECT_EQ(to_hex(t.account.view()), text(e.at("account")));
    EXPECT_EQ(t.lt, number(e.at("lt")));
    EXPECT_EQ(t.prev_lt, number(e.at("prev_lt")));
    EXPECT_EQ(t.now, number(e.at("now")));
    EXPECT_EQ(name(t.status_before), text(e.at("status_before")));
    EXPECT_EQ(name(t.status_after), text(e.at("status_after")));
    EXPECT_EQ(t.total_fees.coins, number(e.at("total_fees")));
    const auto& d = t.description;
    EXPECT_EQ(d.kind, TransactionKind::ordinary);
    EXPECT_EQ(d.aborted, e.at("aborted").as_bool());
    EXPECT_EQ(d.destroyed, e.at("destroyed").as_bool());
    EXPECT_EQ(d.storage.has_value(), !e.at("storage").is_null());
    if (d.storage) {
      EXPECT_EQ(d.storage->fees_collected, number(e.at("storage").at("collected")));
    }
    EXPECT_EQ(d.credit ? d.credit->coins : 0, number(e.at("credit")));
    compare_compute(d.compute, e.at("compute").as_object());
    compare_action(d.action, e.at("action"));
    EXPECT_EQ(name(d.bounce), text(e.at("bounce")));
    ASSERT_TRUE(t.in_msg);
    compare_in(*t.in_msg, e.at("in"));
    const auto& out = e.at("out").as_array();
    ASSERT_EQ(t.out_msgs.size(), out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto& m = t.out_msgs[i].message;
      ASSERT_TRUE(m && m->internal());
      EXPECT_EQ(to_raw_text(m->internal()->dest), text(out[i].at("dest")));
      EXPECT_EQ(m->internal()->value.coins, number(out[i].at("value")));
      EXPECT_EQ(m->internal()->created_lt, number(out[i].at("created_lt")));
      EXPECT_EQ(to_hex(m->body.hash().view()), text(out[i].at("body_hash")));
    }
    const bool ok = !d.aborted && d.action && d.action->success;
    EXPECT_EQ(t.succeeded(), ok);
  }
}

TEST(Records, Accounts) {
  for (const auto& record : records()) {
    const auto& e = record.at("account");
    const Cell c = cell(record.at("shard_account"));
    const auto parsed = parse_shard_account(c);
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_EQ(build_shard_account(*parsed), c);
    EXPECT_EQ(parsed->last_trans_lt, number(e.at("last_lt")));
    EXPECT_EQ(to_hex(parsed->last_trans_hash.view()), text(e.at("last_hash")));
    ASSERT_EQ(parsed->account.has_value(), !e.at("account").is_null());
    if (!parsed->account) continue;
    const Account& a = *parsed->account;
    EXPECT_EQ(to_raw_text(a.address), text(e.at("account")));
    EXPECT_EQ(a.balance.coins, number(e.at("balance")));
    EXPECT_EQ(a.used_cells, number(e.at("cells")));
    EXPECT_EQ(a.used_bits, number(e.at("bits")));
    EXPECT_EQ(a.last_paid, number(e.at("last_paid")));
    EXPECT_EQ(a.last_trans_lt, number(e.at("end_lt")));
    EXPECT_EQ(a.due_payment.value_or(0), number(e.at("due")));
    ASSERT_EQ(a.active() != nullptr, text(e.at("state")) == "active");
    if (!a.active()) continue;
    EXPECT_EQ(to_hex(a.active()->code->hash().view()), text(e.at("code")));
    EXPECT_EQ(to_hex(a.active()->data->hash().view()), text(e.at("data")));
  }
}

TEST(Records, MessagesCanBeBuiltAgain) {
  for (const auto& record : records()) {
    const Transaction t = parse_transaction(cell(record.at("transaction"))).value();
    std::vector<TransactionMessage> all = t.out_msgs;
    all.push_back(*t.in_msg);
    for (const auto& m : all) {
      // Whoever wrote it chose where body and init go: one of the four ways is theirs.
      bool same = false;
      for (const auto init : {Place::ref, Place::inline_}) {
        for (const auto body : {Place::ref, Place::inline_}) {
          const auto built = build_message(*m.message, init, body);
          if (!built) continue;
          same = same || *built == m.cell;
          const auto again = parse_message(*built).value();
          EXPECT_EQ(again.body, m.message->body);
          EXPECT_EQ(again.init, m.message->init);
        }
      }
      EXPECT_TRUE(same);
    }
  }
}

TEST(Accounts, EveryStateCanBeBuiltAndRead) {
  Account a;
  a.address = {0, Bits256::from(Bytes(32, 1))};
  a.balance = {5, CellBuilder().store_uint(1, 1).must_finish()};
  a.due_payment = 7;
  a.storage_dict_hash = Bits256::from(Bytes(32, 2));
  a.used_cells = 1u << 20;
  StateInit init;
  init.code = Cell();
  for (const AccountState& state :
       {AccountState{AccountUninit{}}, AccountState{AccountFrozen{a.address.hash}}, AccountState{init}}) {
    a.state = state;
    const auto back = parse_account(build_account(a)).value();
    ASSERT_TRUE(back);
    EXPECT_EQ(back->state, state);
    EXPECT_EQ(build_account(back), build_account(a));
  }
  EXPECT_EQ(parse_account(build_account(std::nullopt)).value().has_value(), false);
  EXPECT_FALSE(parse_account(Cell()));
}

}  // namespace
}  // namespace cocoon::ton
