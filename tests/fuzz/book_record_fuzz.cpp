// What a book keeps beside its ledger, as it comes from a disk that somebody else may have written: what decodes
// encodes to something that decodes to the same.
#include <cstdlib>

#include "proxy/core/book.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  if (const auto books = proxy::decode_stored_books(BytesView(data, size))) {
    const auto again = proxy::decode_stored_books(proxy::encode(*books));
    if (!again || !(*again == *books)) std::abort();
  }
  const auto record = proxy::decode_book_record(BytesView(data, size));
  if (!record) return 0;
  const auto again = proxy::decode_book_record(proxy::encode(*record));
  if (!again || !(*again == *record)) std::abort();
  return 0;
}
