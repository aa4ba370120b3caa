// The endorsement of this machine's own chip, from what speaks like AMD's key distribution service: for machines whose
// host hands out none.
#pragma once
#include "evidence/source.hpp"
#include "net/asio.hpp"
#include "net/credentials.hpp"

namespace cocoon::node {

struct OwnVcekOptions {
  std::string service;           // CollateralOptions::amd_service; empty: nobody is asked
  std::string ca_file;           // CollateralOptions::ca_file
  std::string directory;         // where it is kept, for a start without a network; empty: in memory only
  net::Millis patience{30'000};  // for the answer
};

// Blocks while it asks; may be called from any thread. What the service says is taken only when it endorses the report
// (tee::endorses). A service that cannot help is left alone for a minute, or for as long as it says: until then the
// error stays the same. Null without a service.
evidence::Endorse own_vcek(OwnVcekOptions options, net::Clock clock = wall_clock);

}  // namespace cocoon::node
