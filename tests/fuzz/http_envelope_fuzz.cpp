// http.request and http.response as carried inside requests and answers.
#include "wire/messages.hpp"

using namespace cocoon;

template <class T>
static void envelope(BytesView in) {
  const auto got = wire::decode<T>(in);
  if (!got) return;
  const auto again = wire::decode<T>(wire::encode(*got));
  if (!again || !(*again == *got)) __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  envelope<wire::http::Request>(in);
  envelope<wire::http::Response>(in);
  return 0;
}
