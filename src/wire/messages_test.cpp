// Ids and fields of every constructor against the schema declarations (wire.md 1.4, 3).
#include "wire/messages.hpp"

#include <set>

#include "wire/testdata/all_messages.hpp"
#include "wire/testdata/load.hpp"

namespace cocoon::wire {
namespace {

using testdata::AllMessages;

// Writes a message's fields as the schema would: types only, since a struct does not know its members' names.
class Describe : public tl::Archive<Describe> {
 public:
  template <class T>
  void value(const T& v) {
    std::string type;
    if constexpr (std::is_same_v<T, std::int32_t>) {
      type = "int";
    } else if constexpr (std::is_same_v<T, std::uint32_t>) {
      type = "#";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      type = "long";
    } else if constexpr (std::is_same_v<T, double>) {
      type = "double";
    } else if constexpr (std::is_same_v<T, bool>) {
      type = "Bool";
    } else if constexpr (std::is_same_v<T, std::string>) {
      type = "string";
    } else if constexpr (std::is_same_v<T, Bytes>) {
      type = "bytes";
    } else if constexpr (std::is_same_v<T, Bits256>) {
      type = "int256";
    } else if constexpr (tl::IsVector<T>::value) {
      type = "vector " + std::string(T::value_type::kName);
    } else if constexpr (tl::IsVariant<T>::value) {
      type = "any " + std::string(std::visit([](const auto& one) { return one.kName; }, v));
    } else {
      type = std::string(T::kName);
    }
    text_ += ' ' + condition_ + type;
  }
  template <class... T>
  Describe& when(std::uint32_t, unsigned bit, T&... field) {
    condition_ = "flags." + std::to_string(bit) + "?";
    (value(field), ...);
    condition_.clear();
    return *this;
  }
  void id(std::uint32_t) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_, condition_;
};

struct Known {
  std::uint32_t id = 0;
  std::string fields;
};

template <class... T>
std::map<std::string, Known> known(std::type_identity<std::variant<T...>>) {
  std::map<std::string, Known> out;
  const auto add = [&out]<class M>(const M& m) {
    Describe d;
    M::fields(d, m);
    out[std::string(M::kName)] = {M::kId, d.text()};
  };
  (add(T{}), ...);
  return out;
}

// "name:flags.0?Bool" -> "flags.0?Bool"; boxed sum types are named by their first alternative.
std::string types_of(const std::string& declaration) {
  static const std::map<std::string, std::string> sums = {
      {"proxy.SignedPayment", "any proxy.signedPayment"},
      {"client.ProxyConnectionAuth", "any client.proxyConnectionAuthShort"},
  };
  std::istringstream in(declaration.substr(0, declaration.find(" = ")));
  std::string word, out;
  in >> word;
  while (in >> word) {
    const auto colon = word.find(':');
    std::string type = colon == std::string::npos ? word : word.substr(colon + 1);
    if (const auto sum = sums.find(type); sum != sums.end()) type = sum->second;
    out += ' ' + type;
  }
  return out;
}

TEST(Messages, IdsAndFieldsAreThoseOfTheSchema) {
  auto ours = known(std::type_identity<AllMessages>{});
  std::istringstream schema(testdata::read_text(testdata::folder() / "schema.tl"));
  std::string line;
  std::size_t pinned = 0;
  while (std::getline(schema, line)) {
    std::uint32_t id = 0;
    if (line.starts_with('#')) {
      id = static_cast<std::uint32_t>(std::stoul(line.substr(1, 8), nullptr, 16));
      line = line.substr(10);
      ++pinned;
    }
    if (line.starts_with("function ")) line = line.substr(9);
    if (id == 0) id = crc32_ieee(as_bytes(line));
    const std::string name = line.substr(0, line.find(' '));
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_EQ(ours[name].id, id) << name;
    EXPECT_EQ(ours[name].fields, types_of(line)) << name;
    ours.erase(name);
  }
  EXPECT_TRUE(ours.empty());
  EXPECT_EQ(pinned, 6u);
}

TEST(Messages, EveryDefaultValueSurvivesTheWayThereAndBack) {
  const auto check = []<class T>(const T& m) {
    const Bytes wire = encode(m);
    const auto back = decode<T>(wire);
    ASSERT_TRUE(back) << T::kName << ": " << back.error().what;
    EXPECT_EQ(*back, m) << T::kName;
    EXPECT_EQ(peek_id(wire), T::kId);
    EXPECT_TRUE(handles<AllMessages>(T::kId));
  };
  [&]<class... T>(std::type_identity<std::variant<T...>>) { (check(T{}), ...); }(std::type_identity<AllMessages>{});
}

TEST(Messages, SettersSetTheirBits) {
  worker::Params w;
  w.set_limits(true, 2, 60);
  w.set_versions(1, 4);
  w.set_machine_description("{}");
  EXPECT_EQ(w.flags, 7u);
  proxy::Params p;
  p.set_is_test(false);
  p.set_proto_version(0);
  EXPECT_EQ(p.flags, 1u);
  p.set_proto_version(4);
  EXPECT_EQ(p.flags, 3u);
  client::QueryAnswerPartEx part;
  EXPECT_FALSE(part.is_final());
  client::QueryFinalInfo info;
  info.set_times(1, 2, 3, 4);
  info.set_debug("{}", "{}");
  part.set_final_info(info);
  EXPECT_TRUE(part.is_final());
  const auto back = decode<client::QueryAnswerPartEx>(encode(part));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->final_info.worker_end_time, 4);
}

TEST(Messages, ErrorsNameTheMessage) {
  const auto bad = decode<client::ConnectToProxy>(Bytes{1, 2, 3, 4});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().what.find("client.connectToProxy: "), 0u);
  EXPECT_FALSE(decode_any<PacketToClient>(encode(proxy::WorkerRequestPayment{})));
  EXPECT_FALSE(handles<PacketToClient>(proxy::WorkerRequestPayment::kId));
  EXPECT_TRUE(handles<QueryToWorker>(worker::ChangeModel::kId));
}

}  // namespace
}  // namespace cocoon::wire
