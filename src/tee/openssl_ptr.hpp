// Owners for what OpenSSL hands out. Inside this room's .cpp files only.
#pragma once
#include <memory>

namespace cocoon::tee {

template <auto free>
struct OpensslFree {
  template <class T>
  void operator()(T* p) const {
    free(p);
  }
};
template <class T, auto free>
using OpensslPtr = std::unique_ptr<T, OpensslFree<free>>;

}  // namespace cocoon::tee
