// Fetches collateral from services with the shape of Intel's provisioning certification service (or a PCCS that caches
// it) and of AMD's key distribution service, and hands out what is at hand to whoever judges peers. Runs on one
// executor.
#pragma once
#include "net/credentials.hpp"
#include "net/http_client.hpp"
#include "node/collateral_cache.hpp"

namespace cocoon::node {

struct CollateralOptions {
  std::string service;      // "http[s]://host:port": /tdx/certification/v4/tcb and so on are below it; empty: nothing
  std::string amd_service;  // the same for AMD's: /vcek/v1/Milan/cert_chain and so on are below it
  std::string ca_file;      // of services that are asked by https (net::HttpClientOptions)
  std::string directory;    // the cache's; empty: memory only
  std::string bundle;       // a file that is always at hand (tee/presented.hpp): air-gapped machines, tests
  std::string gpus;         // directory of NVIDIA's reference values, NAME.xml, and OCSP answers, *.der; empty: none
  Duration look = std::chrono::seconds(30);  // how often what is due is looked for
  net::Millis patience{30'000};              // for one answer, from the first byte sent to the last received
};

class CollateralService final : public net::CollateralSource, public std::enable_shared_from_this<CollateralService> {
 public:
  static Result<std::shared_ptr<CollateralService>> make(net::Executor executor, CollateralOptions options,
                                                         net::Clock clock = wall_clock);

  // What is at hand; what is missing is fetched, for the peer's next attempt.
  tee::Collateral find(const tee::Evidence&) override;
  // Of the bundle and the directory as it is now: the reference values for these very devices, every OCSP answer.
  tee::NvidiaFiles find_gpus(const std::vector<tee::GpuEvidence>&) override;
  // Fetches that now.
  net::Task<Result<>> fetch(CollateralName name);
  void start();
  void stop();

  CollateralCache& cache() { return cache_; }

 private:
  CollateralService(net::Executor executor, CollateralOptions options, net::Clock clock);
  net::Task<Result<tee::Bundle>> fetch_intel(tee::IntelCollateralName name);
  net::Task<Result<tee::Bundle>> fetch_amd(tee::AmdCollateralName name);
  static net::Task<void> refresh(std::shared_ptr<CollateralService> self, CollateralCache::Vendor vendor);
  static net::Task<void> keep_fresh(std::shared_ptr<CollateralService> self);

  net::Executor executor_;
  CollateralOptions options_;
  net::Clock clock_;
  CollateralCache cache_;
  net::HttpClient http_;
  net::asio::steady_timer timer_;
  tee::Collateral bundled_;
  Time intel_after_ = Time::min(), amd_after_ = Time::min();  // a service that was asked too often said when again
  bool stopped_ = false, refreshing_intel_ = false, refreshing_amd_ = false;
};

// A revocation list as services give it: DER, PEM, or DER as hex digits.
Result<Bytes> read_crl_answer(std::string_view body);

}  // namespace cocoon::node
