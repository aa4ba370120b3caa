#include "node/collateral_service.hpp"

#include <algorithm>
#include <optional>

#include "base/log.hpp"
#include "node/gpu_files.hpp"
#include "node/secrets.hpp"
#include "node/service_answer.hpp"
#include "tee/quote.hpp"
#include "tee/x509.hpp"

namespace cocoon::node {

Result<Bytes> read_crl_answer(std::string_view body) {
  if (!body.empty() && body.front() == 0x30 && tee::read_crl(as_bytes(body))) return to_bytes(body);
  if (body.starts_with("-----BEGIN")) {
    TRY_ASSIGN(auto blocks, tee::read_pem(body, "X509 CRL", 1));
    return std::move(blocks.front());
  }
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r' || body.back() == ' ')) body.remove_suffix(1);
  auto raw = from_hex(body);
  if (!raw) return fail("the revocation list is neither DER, PEM nor hex");
  return *std::move(raw);
}

namespace {

net::HttpClientOptions http_options(const CollateralOptions& options) {
  net::HttpClientOptions out;
  out.ca_file = options.ca_file;
  return out;
}

}  // namespace

CollateralService::CollateralService(net::Executor executor, CollateralOptions options, net::Clock clock)
    : executor_(executor),
      options_(std::move(options)),
      clock_(std::move(clock)),
      cache_(options_.directory),
      http_(executor, http_options(options_)),
      timer_(executor) {}

Result<std::shared_ptr<CollateralService>> CollateralService::make(net::Executor executor, CollateralOptions options,
                                                                   net::Clock clock) {
  std::shared_ptr<CollateralService> out(
      new CollateralService(std::move(executor), std::move(options), std::move(clock)));
  if (!out->options_.ca_file.empty())
    if (auto loaded = out->http_.load_roots(); !loaded)
      return std::unexpected(std::move(loaded).error().within("tee.collateral_ca"));
  for (const auto& path : out->cache_.load()) log::warn("collateral", "{} is no collateral: ignored", path);
  if (out->options_.bundle.empty()) return out;
  const auto text = read_file(out->options_.bundle, tee::kMaxPresented);
  if (!text) return std::unexpected(Error(text.error()).within("tee.collateral_bundle"));
  auto bundle = tee::read_bundle(*text);
  if (!bundle)
    return std::unexpected(std::move(bundle).error().within("tee.collateral_bundle: " + out->options_.bundle));
  out->bundled_ = tee::collateral_of(*std::move(bundle));
  return out;
}

namespace {

std::optional<CollateralName> name_for(const tee::Evidence& evidence) {
  if (const auto* snp = std::get_if<tee::SnpEvidence>(&evidence))
    if (const auto name = tee::collateral_name(*snp)) return *name;
  const auto* tdx = std::get_if<tee::TdxEvidence>(&evidence);
  const auto quote = tdx != nullptr ? tee::parse_quote(tdx->quote) : Result<tee::Quote>(fail("not a quote"));
  if (!quote) return std::nullopt;
  const auto name = tee::collateral_name(*quote);
  return name ? std::optional<CollateralName>(*name) : std::nullopt;
}

bool is_amd(const CollateralName& name) { return std::holds_alternative<tee::AmdCollateralName>(name); }

// As AMD gives it (DER), or PEM.
Result<Bytes> read_amd_list(std::string_view body) {
  if (!body.starts_with("-----BEGIN")) return to_bytes(body);
  TRY_ASSIGN(auto blocks, tee::read_pem(body, "X509 CRL", 1));
  return std::move(blocks.front());
}

}  // namespace

tee::Collateral CollateralService::find(const tee::Evidence& evidence) {
  auto out = bundled_;
  const auto name = name_for(evidence);
  if (!name) return out;
  const auto now = clock_();
  auto known = cache_.find(*name, now);
  if (known.intel) {
    out.intel = std::move(known.intel);
  } else if (known.amd) {
    out.amd = std::move(known.amd);
  } else if (!(is_amd(*name) ? options_.amd_service : options_.service).empty()) {
    cache_.want(*name, now);
    const auto vendor = is_amd(*name) ? CollateralCache::Vendor::amd : CollateralCache::Vendor::intel;
    net::asio::co_spawn(executor_, refresh(shared_from_this(), vendor), net::asio::detached);
  }
  return out;
}

tee::NvidiaFiles CollateralService::find_gpus(const std::vector<tee::GpuEvidence>& gpus) {
  auto out = options_.gpus.empty() ? tee::NvidiaFiles{} : gpu_files_in(options_.gpus, gpus);
  if (!bundled_.nvidia) return out;
  const auto& bundled = *bundled_.nvidia;
  for (const auto& gpu : gpus)
    if (const auto names = tee::rim_names(gpu))
      for (const auto& name : *names)
        if (const auto found = bundled.rims.find(name); found != bundled.rims.end()) out.rims.insert(*found);
  // No more together than the reader of a page takes.
  const auto room = tee::kMaxOcspAnswers - std::min(tee::kMaxOcspAnswers, out.ocsp.size());
  const auto end = bundled.ocsp.begin() + static_cast<std::ptrdiff_t>(std::min(room, bundled.ocsp.size()));
  out.ocsp.insert(out.ocsp.end(), bundled.ocsp.begin(), end);
  return out;
}

net::Task<Result<tee::Bundle>> CollateralService::fetch_intel(tee::IntelCollateralName name) {
  const auto base = options_.service + (name.tdx ? "/tdx" : "/sgx") + "/certification/v4";
  const auto lists = options_.service + "/sgx/certification/v4";
  const std::string tcb_url = fmt::format("{}/tcb?fmspc={}", base, to_hex(name.fmspc.view())),
                    qe_url = base + "/qe/identity",
                    pck_url = fmt::format("{}/pckcrl?ca={}&encoding=der", lists,
                                          name.processor_ca ? "processor" : "platform"),
                    root_url = lists + "/rootcacrl";
  const std::string tcb_header = "TCB-Info-Issuer-Chain", qe_header = "SGX-Enclave-Identity-Issuer-Chain", none;
  Duration wait{0};
  const std::shared_ptr<void> told(nullptr, [&](void*) { intel_after_ = clock_() + wait; });
  CO_TRY_ASSIGN(const auto tcb, co_await ask_service(http_, tcb_url, tcb_header, options_.patience, wait));
  CO_TRY_ASSIGN(const auto qe, co_await ask_service(http_, qe_url, qe_header, options_.patience, wait));
  CO_TRY_ASSIGN(const auto pck_crl, co_await ask_service(http_, pck_url, none, options_.patience, wait));
  CO_TRY_ASSIGN(const auto root_crl, co_await ask_service(http_, root_url, none, options_.patience, wait));
  tee::Bundle out;
  auto& files = out.intel.emplace();
  files.tcb_info = to_bytes(tcb.body);
  files.qe_identity = to_bytes(qe.body);
  files.tcb_signer = tcb.signer;
  files.qe_signer = qe.signer;
  CO_TRY_ASSIGN(files.pck_crl, read_crl_answer(pck_crl.body));
  CO_TRY_ASSIGN(files.root_crl, read_crl_answer(root_crl.body));
  co_return out;
}

// One chain and one list for all chips of a product line.
net::Task<Result<tee::Bundle>> CollateralService::fetch_amd(tee::AmdCollateralName name) {
  const std::string base = fmt::format("{}/{}/v1/{}", options_.amd_service, name.vlek ? "vlek" : "vcek",
                                       tee::to_string(name.product)),
                    chain_url = base + "/cert_chain", list_url = base + "/crl", none;
  Duration wait{0};
  const std::shared_ptr<void> told(nullptr, [&](void*) { amd_after_ = clock_() + wait; });
  CO_TRY_ASSIGN(const auto chain, co_await ask_service(http_, chain_url, none, options_.patience, wait));
  CO_TRY_ASSIGN(auto certificates, tee::read_pem(chain.body, "CERTIFICATE", 2));
  if (certificates.size() != 2) co_return fail("{}: {} certificates, two are a chain", chain_url, certificates.size());
  CO_TRY_ASSIGN(const auto list, co_await ask_service(http_, list_url, none, options_.patience, wait));
  tee::Bundle out;
  auto& files = out.amd.emplace();
  files.ask = std::move(certificates[0]);
  files.ark = std::move(certificates[1]);
  CO_TRY_ASSIGN(files.crl, read_amd_list(list.body));
  co_return out;
}

net::Task<Result<>> CollateralService::fetch(CollateralName name) {
  Result<tee::Bundle> files = fail("not fetched");
  if (const auto* amd = std::get_if<tee::AmdCollateralName>(&name))
    files = co_await fetch_amd(*amd);
  else
    files = co_await fetch_intel(std::get<tee::IntelCollateralName>(name));
  if (!files) co_return std::unexpected(std::move(files).error());
  co_return cache_.put(name, *std::move(files), clock_());
}

// One round of each vendor at a time: a service that does not answer holds up nothing of the other's.
net::Task<void> CollateralService::refresh(std::shared_ptr<CollateralService> self, CollateralCache::Vendor vendor) {
  const bool amd = vendor == CollateralCache::Vendor::amd;
  auto& refreshing = amd ? self->refreshing_amd_ : self->refreshing_intel_;
  const auto& after = amd ? self->amd_after_ : self->intel_after_;
  if (refreshing || self->stopped_ || (amd ? self->options_.amd_service : self->options_.service).empty()) co_return;
  refreshing = true;
  for (const auto& name : self->cache_.due(vendor, self->clock_())) {
    if (self->stopped_ || self->clock_() < after) break;
    const auto fetched = co_await self->fetch(name);
    if (fetched)
      log::info("collateral", "{}: fetched", to_string(name));
    else
      log::warn("collateral", "{}: {}; what is at hand is used until it goes stale", to_string(name),
                fetched.error().what);
    // It would let us wait for each of the others, too: they are due again in a minute.
    if (!fetched && fetched.error().code == net::net_timeout) break;
  }
  refreshing = false;
}

net::Task<void> CollateralService::keep_fresh(std::shared_ptr<CollateralService> self) {
  while (!self->stopped_) {
    for (const auto vendor : {CollateralCache::Vendor::intel, CollateralCache::Vendor::amd})
      net::asio::co_spawn(self->executor_, refresh(self, vendor), net::asio::detached);
    self->timer_.expires_after(self->options_.look);
    const auto [ec] = co_await self->timer_.async_wait(net::no_throw);
    if (ec) co_return;
  }
}

void CollateralService::start() {
  if (!options_.service.empty() || !options_.amd_service.empty())
    net::asio::co_spawn(executor_, keep_fresh(shared_from_this()), net::asio::detached);
}

void CollateralService::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace cocoon::node
