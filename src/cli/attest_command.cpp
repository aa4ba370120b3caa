#include "cli/attest_command.hpp"

#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include "base/log.hpp"
#include "cli/node_commands.hpp"
#include "cli/output.hpp"
#include "net/address.hpp"
#include "net/link.hpp"
#include "node/gpu_files.hpp"
#include "node/policy_file.hpp"
#include "node/secrets.hpp"
#include "tee/corpus.hpp"
#include "tee/presented.hpp"
#include "tee/quote.hpp"
#include "tee/simulated.hpp"
#include "tee/verdict_json.hpp"
#include "tee/verify.hpp"

namespace cocoon::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kConnectTime = std::chrono::seconds(30);

struct Options {
  std::string source, peer, policy = "default", at, bundle, gpu_collateral, directory;
  std::vector<std::string> roots, simulated_roots;
  bool json = false;
};

int refuse(const Error& error) { return complain("attest", error); }

// --- Where evidence comes from

// What a node shows: its certificate, and what it proves of the session; nothing is demanded of it.
Result<tee::Presented> shown_by(const std::string& address, Time now) {
  TRY_ASSIGN(const auto target, net::parse_endpoint(address));
  net::asio::io_context io;
  auto random = crypto::Random::from_os();
  net::LinkConfig config;
  TRY_ASSIGN(config.credentials,
             net::Credentials::make(tee::attest_plain_client(), random, wall_clock, tee::SessionAttester{}));
  tee::Policy anybody;
  anybody.level = tee::Policy::Level::any;
  config.judge = std::make_shared<net::PeerJudge>(anybody, tee::Trust{});
  config.options.keep_unread_session = true;
  Result<net::PeerInfo> peer =
      fail("{} does not speak as nodes do, or not in time; is it a port for clients or workers?", address);
  net::asio::co_spawn(
      io,
      [&]() -> net::Task<void> {
        auto link = co_await net::connect_link(io.get_executor(), target, config);
        if (link) {
          peer = (*link)->peer();
          (*link)->close(Error{0, "seen"});
        } else {
          peer = std::unexpected(std::move(link).error());
        }
      },
      net::asio::detached);
  io.run_for(kConnectTime);
  if (!peer) return std::unexpected(std::move(peer).error());
  TRY_ASSIGN(auto out, tee::read_presented(peer->certificate, now));
  if (peer->session && !std::holds_alternative<tee::NoEvidence>(peer->session->evidence.machine))
    out.session = {peer->session->evidence, peer->session->challenge};
  return out;
}

// HOST:PORT or a file.
Result<tee::Presented> presented_by(const Options& options, Time now) {
  std::error_code ec;
  if (!fs::exists(options.source, ec) && options.source.find(':') != std::string::npos)
    return shown_by(options.source, now);
  TRY_ASSIGN(const auto text, node::read_file(options.source, tee::kMaxPresented));
  return tee::read_presented(as_bytes(text), now, options.peer);
}

struct Case {
  tee::Presented presented;
  tee::Collateral collateral;
  tee::Trust trust;
  Time at;
};

Result<tee::Trust> trusted(const Options& options) {
  tee::Trust out{{tee::Trust::intel()}};
  out.gpus = tee::NvidiaRoots::nvidia();
  for (auto& root : tee::Trust::amd()) out.roots.push_back(std::move(root));
  for (const auto& path : options.simulated_roots) {
    TRY_ASSIGN(const auto pem, node::read_file(path, 64 * 1024));
    TRY_ASSIGN(auto root, tee::read_simulated_root(pem));
    out.roots.push_back(std::move(root));
  }
  for (const auto& path : options.roots) {
    TRY_ASSIGN(const auto der, node::read_file(path, 64 * 1024));
    const tee::TrustedRoot root{crypto::sha256(as_bytes(der)), path, false};
    out.roots.push_back(root);
    out.gpus.device.push_back(root);
    out.gpus.rim.push_back(root);
  }
  return out;
}

// What came along, else the bundle's, and what the directory has about the GPUs.
Result<tee::Collateral> collateral_for(const Options& options, const tee::Presented& shown) {
  auto files = shown.collateral;
  if (!options.bundle.empty()) {
    TRY_ASSIGN(const auto text, node::read_file(options.bundle, tee::kMaxPresented));
    auto bundle = tee::read_bundle(text);
    if (!bundle) return std::unexpected(std::move(bundle).error().within(options.bundle));
    if (bundle->intel) files.intel = std::move(bundle->intel);
    if (bundle->amd) files.amd = std::move(bundle->amd);
    if (bundle->nvidia) files.nvidia = std::move(bundle->nvidia);
  }
  if (!options.gpu_collateral.empty()) {
    std::vector<tee::GpuEvidence> gpus = shown.session ? shown.session->evidence.gpus : std::vector<tee::GpuEvidence>{};
    for (const auto& gpu : shown.gpus) gpus.push_back(gpu.evidence);
    files.nvidia = node::gpu_files_in(options.gpu_collateral, gpus);
  }
  return tee::collateral_of(std::move(files));
}

Result<Case> open_case(const Options& options) {
  Case out;
  out.at = wall_clock();
  if (!options.at.empty()) {
    TRY_ASSIGN(out.at, tee::parse_utc(options.at));
  }
  TRY_ASSIGN(out.trust, trusted(options));
  TRY_ASSIGN(out.presented, presented_by(options, out.at));
  TRY_ASSIGN(out.collateral, collateral_for(options, out.presented));
  return out;
}

tee::Verdict judge(const Case& one, const tee::Policy& policy) {
  return tee::judge_presented(one.presented, policy, one.trust, one.at, one.collateral);
}

// --- What is told

std::string session_of(const Case& one, const tee::Verdict& v) {
  if (!one.presented.session) return "not proved: the evidence speaks for the key alone";
  return v.session_bound ? "proved: the evidence was made for it" : "evidence was shown; it proves nothing";
}

void print_gpus(const Case& one, const tee::Verdict& v) {
  const auto& session = one.presented.session;
  if (session && !session->evidence.gpus.empty())
    say("  GPUs       {} shown, {}\n", session->evidence.gpus.size(), v.gpu ? "verified" : "not counted");
  for (const auto& check : v.checks)
    if (check.name == "gpu" || check.name == "gpus")
      say("             {}\n", printable_line(check.state == tee::Check::State::passed ? check.input : check.why));
}

void print_verdict(const Case& one, const tee::Verdict& v) {
  say("{}\n", printable_line(tee::summary(v)));
  if (!v.accepted) say("  reason     {}\n  what to do {}\n", v.reason, printable_line(v.advice));
  say("  form       {}\n  kind       {}{}\n  signer     {}\n", one.presented.form, tee::to_string(v.kind),
      v.simulated ? " (simulated)" : "", printable_line(v.signer));
  say("  status     {}\n", tee::to_string(v.tcb));
  if (one.presented.key) say("  session    {}\n", session_of(one, v));
  print_gpus(one, v);
  if (!v.advisories.empty()) say("  advisories {}\n", printable_line(fmt::format("{}", fmt::join(v.advisories, ", "))));
  say("  image      {}\n", to_hex(v.image_hash.view()));
  if (!v.platform_id.empty()) say("  platform   {}\n", to_hex(v.platform_id));
  if (v.fresh_until != Time::max())
    say("  valid      {} .. {}\n", tee::to_utc(v.fresh_from), tee::to_utc(v.fresh_until));
}

void print_checks(const tee::Verdict& v) {
  for (const auto& check : v.checks) {
    say("{:<9} {}\n", tee::to_string(check.state), check.name);
    if (!check.input.empty()) say("            looked at: {}\n", printable_line(check.input));
    if (!check.why.empty())
      say("            because: {}{}\n", printable_line(check.why),
          check.reason.empty() ? "" : " [" + check.reason + "]");
  }
}

// A policy that refuses nothing but forgeries: `show` says what is there, not what to think of it.
tee::Policy see_everything() {
  tee::Policy p;
  p.name = "show";
  p.kinds = {tee::TeeKind::tdx, tee::TeeKind::snp, tee::TeeKind::sgx};
  p.accept_unevaluated_collateral = p.any_advisory = p.allow_debug = p.allow_service_td = true;
  p.worst_tcb = tee::TcbStatus::revoked;
  p.max_vmpl = 3;
  p.gpu_reference_values = p.gpu_revocation = false;
  p.gpu_expired_signers = true;
  return p;
}

Result<tee::Policy> policy_of(const Options& options) {
  TRY_ASSIGN(auto policy, node::find_policy(options.policy));
  for (const auto& loose : node::looseness(policy)) say(stderr, "warning: policy \"{}\": {}\n", policy.name, loose);
  return policy;
}

int show(const Options& options) {
  const auto one = open_case(options);
  if (!one) return refuse(one.error());
  const auto verdict = judge(*one, see_everything());
  if (options.json)
    say("{}\n", tee::to_json(verdict));
  else
    print_verdict(*one, verdict);
  return 0;
}

int verify(const Options& options, bool explain) {
  const auto policy = policy_of(options);
  if (!policy) return refuse(policy.error());
  const auto one = open_case(options);
  if (!one) return refuse(one.error());
  const auto verdict = judge(*one, *policy);
  if (options.json) {
    say("{}\n", tee::to_json(verdict));
  } else {
    if (explain) {
      say("{} at {}, policy \"{}\"\n\n", one->presented.form, tee::to_utc(one->at), policy->name);
      print_checks(verdict);
      say("\n");
    }
    print_verdict(*one, verdict);
  }
  return verdict.accepted ? 0 : 1;
}

// --- Corpora

int corpus(const Options& options) {
  const fs::path directory(options.directory);
  const auto table = node::read_file((directory / "CASES.tsv").string());
  if (!table) return refuse(table.error());
  const auto cases = tee::parse_corpus(*table);
  if (!cases) return refuse(Error(cases.error()).within("CASES.tsv"));
  const tee::ReadFile read = [&](const std::string& path) -> Result<Bytes> {
    TRY_ASSIGN(const auto text, node::read_file((directory / path).string()));
    return to_bytes(text);
  };
  std::size_t differ = 0;
  for (const auto& one : *cases) {
    const auto verdict = tee::judge_case(one, read);
    if (verdict && tee::same_verdict(one.expected, *verdict)) continue;
    ++differ;
    say("{}: expected {}, got {}\n", one.name, one.expected,
        verdict ? *verdict : "no verdict: " + verdict.error().what);
  }
  say("corpus: cases {} differ {}\n", cases->size(), differ);
  return differ == 0 ? 0 : 1;
}

void add_common(CLI::App& sub, Options& options) {
  sub.add_option("source", options.source,
                 "a node's HOST:PORT, or a file: certificate, quote, report, GPU evidence, answer of /attestation")
      ->required();
  sub.add_option("--at", options.at, "judge at this time, like 2026-01-31T00:00:00Z; default: now");
  sub.add_option("--peer", options.peer, "of an answer of /attestation: judge the peer of this address");
  sub.add_option("--collateral", options.bundle, "a bundle of collateral (JSON)");
  sub.add_option("--gpu-collateral", options.gpu_collateral,
                 "a directory of NVIDIA's reference values (NAME.xml) and OCSP answers (*.der)");
  sub.add_option("--root", options.roots, "also believe this root certificate (DER)");
  sub.add_option("--simulated-root", options.simulated_roots, "also believe this simulated root (PEM)");
  sub.add_flag("--json", options.json, "one JSON object on standard output");
}

}  // namespace

void add_attest(CLI::App& app, int& status) {
  auto* sub = app.add_subcommand("attest", "look at evidence: what it says, what a policy thinks of it and why");
  sub->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto with_policy = [&](CLI::App& command) {
    command.add_option("--policy", options->policy, "\"default\", a TOML file with one policy, or FILE#NAME")
        ->capture_default_str();
  };
  auto* showing = sub->add_subcommand("show", "what the evidence says, whatever one thinks of it");
  add_common(*showing, *options);
  showing->callback([options, &status] { status = show(*options); });
  auto* verifying = sub->add_subcommand("verify", "accepted or refused; exits 0 when accepted");
  add_common(*verifying, *options);
  with_policy(*verifying);
  verifying->callback([options, &status] { status = verify(*options, false); });
  auto* explaining = sub->add_subcommand("explain", "each check, what it looked at, and how it ended");
  add_common(*explaining, *options);
  with_policy(*explaining);
  explaining->callback([options, &status] { status = verify(*options, true); });
  auto* judging = sub->add_subcommand("corpus", "judge a collection of cases; exits 0 when no verdict differs");
  judging->add_option("directory", options->directory, "holds CASES.tsv and the files that it names")->required();
  judging->callback([options, &status] { status = corpus(*options); });
  auto* policy = sub->add_subcommand("policy", "print a policy with every key, its meaning and its default");
  policy->callback([&status] {
    say("{}", node::policy_example());
    status = 0;
  });
}

}  // namespace cocoon::cli
