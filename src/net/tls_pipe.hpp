// What OpenSSL's sessions have in common here: owners, errors, and the pipe that stands in for a socket. Inside this
// room's .cpp files only.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/bytes.hpp"
#include "net/buffers.hpp"

namespace cocoon::net {

template <auto free>
struct SslFree {
  template <class T>
  void operator()(T* p) const {
    free(p);
  }
};
using CtxPtr = std::unique_ptr<SSL_CTX, SslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, SslFree<SSL_free>>;

// What OpenSSL has to say about the last failure; its queue is left empty.
inline std::string tls_reason() {
  const auto code = ERR_peek_last_error();
  const char* text = ERR_reason_error_string(code);
  std::string out = text ? text : "unknown error";
  ERR_clear_error();
  return out;
}

// What OpenSSL reads from and writes to. Its own memory BIO clears each byte before it is written and again when it was
// taken.
struct TlsPipe {
  Bytes in;
  std::size_t read = 0;  // of `in`
  Bytes out;

  void feed(BytesView cipher) {
    if (read == in.size()) {
      clear_slowly(in);
    } else {
      in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(read));
    }
    read = 0;
    append(in, cipher);
  }

  static TlsPipe& of(BIO* bio) { return *static_cast<TlsPipe*>(BIO_get_data(bio)); }
  static int take(BIO* bio, char* to, int size) {
    auto& self = of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t n = std::min(static_cast<std::size_t>(size), self.in.size() - self.read);
    if (n == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(to, self.in.data() + self.read, n);
    self.read += n;
    return static_cast<int>(n);
  }
  static int put(BIO* bio, const char* from, int size) {
    append(of(bio).out, {reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)});
    return size;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static const BIO_METHOD* method() {
    static const auto made = [] {
      std::unique_ptr<BIO_METHOD, SslFree<BIO_meth_free>> m(
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pipe"));
      if (!m) std::abort();  // memory is out
      BIO_meth_set_read(m.get(), &TlsPipe::take);
      BIO_meth_set_write(m.get(), &TlsPipe::put);
      BIO_meth_set_ctrl(m.get(), &TlsPipe::control);
      return m;
    }();
    return made.get();
  }
};

}  // namespace cocoon::net
