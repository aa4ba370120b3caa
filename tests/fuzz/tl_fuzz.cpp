// The TL reader on arbitrary bytes: every scalar, string and list in an order the input chooses.
#include "tl/tl.hpp"

using namespace cocoon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  const std::size_t script = size < 32 ? size : 32;
  tl::Reader r(in.subspan(script));
  for (std::size_t i = 0; i < script && r.ok(); ++i) {
    switch (in[i] % 9) {
      case 0:
        r.i32();
        break;
      case 1:
        r.i64();
        break;
      case 2:
        r.flags();
        break;
      case 3:
        r.boolean();
        break;
      case 4:
        r.bytes();
        break;
      case 5:
        r.count();
        break;
      case 6:
        r.fixed<32>();
        break;
      case 7: {
        std::vector<std::string> list;
        r.value(list);
        break;
      }
      default:
        r.id(tl::kVectorId);
    }
    if (r.at() > in.size()) __builtin_trap();
  }
  // A string that was read encodes to one that reads the same.
  if (const auto text = tl::decode_inline<Bytes>(in)) {
    const auto again = tl::decode_inline<Bytes>(tl::encode_inline(*text));
    if (!again || *again != *text) __builtin_trap();
  }
  return 0;
}
