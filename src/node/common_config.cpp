#include "node/common_config.hpp"

namespace cocoon::node {

void CommonConfig::add_keys(ConfigTable& t) {
  t.key("name", name, "how this node calls itself in its log");
  t.key("log_level", log_level, "what is logged: trace, debug, info, warn, error or off");
  t.key("chain.liteserver", liteserver, "address of a liteserver, ip:port");
  t.key("chain.liteserver_key", liteserver_key, "its public key, base64 of 32 bytes").required();
  t.key("chain.poll", poll, "how often watched accounts are read");
  t.key("network.root", root, "address of the root contract, raw or friendly").required();
  t.key("network.is_test", is_test, "a test network; must be what the root contract says");
  t.key("network.testnet_addresses", testnet_addresses, "write addresses with the testnet tag");
  t.key("network.check_images", check_images,
        "refuse peers whose image hash the root contract does not list; off only for tests on a test network");
  t.key("network.image_grace", image_grace,
        "for so long a peer is still accepted whose image leaves that list while this node runs; 0: refused at once");
  t.key("wallet.key_file", wallet_key_file,
        "file with the seed of the node's wallet, 64 hex digits, mode 600; made if absent")
      .required();
  t.key("wallet.owner", owner, "address of the wallet's owner, who may sweep and block it").required();
  t.key("tee.kind", tee, "where evidence about this node comes from: none, hardware (TDX or SEV-SNP) or simulated");
  t.key("tee.directory", tee_directory, "simulated: directory of the simulated platform's keys");
  t.key("tee.image", image, "simulated: name of the image that this node claims to run");
  t.key("tee.gpus", gpus,
        "GPUs whose evidence is shown with this node's: nvml, or the path of NVIDIA's management library; empty: none");
  t.key("tee.gpu_collateral", gpu_collateral,
        "directory for judging GPUs of others: reference values as NAME.xml (NVIDIA's names), OCSP answers as *.der");
  t.key("tee.simulated_root", simulated_root,
        "PEM file of a simulated root whose evidence is believed; empty: hardware only");
  t.key("tee.accept_unevaluated_collateral", accept_unevaluated_collateral,
        "believe genuine hardware evidence whose revocation and TCB state has not been looked up");
  t.key("tee.policy", policy,
        "what peers' evidence must be: \"default\", a TOML file of policies, or FILE#NAME (`cocoon attest policy` "
        "prints one)");
  t.key("tee.reattest_every", reattest_every,
        "how often it is looked whether verdicts on connected peers are over; such peers are judged again");
  t.key("tee.collateral_service", collateral_service,
        "where Intel's collateral is fetched, http[s]://host:port of a PCCS; empty: nothing is fetched");
  t.key("tee.amd_collateral_service", amd_collateral_service,
        "where AMD's certificates and lists are fetched, and this machine's own VCEK when its host hands out none: "
        "http[s]://host:port of what speaks like AMD's KDS; empty: nothing");
  t.key("tee.collateral_ca", collateral_ca,
        "PEM file of certificates that these services' own (https) may end in besides the system's roots; empty: those "
        "only");
  t.key("tee.collateral_directory", collateral_directory, "where fetched collateral is kept; empty: in memory only");
  t.key("tee.collateral_bundle", collateral_bundle, "file of collateral that is always at hand (JSON); empty: none");
  t.key("net.pow_difficulty", pow_difficulty, "proof of work asked from who connects, in leading zero bits", 0, 64);
  t.key("net.max_pow_difficulty", max_pow_difficulty, "hardest proof of work that is solved to connect", 0, 40);
  t.key("net.handshake_timeout", handshake_timeout, "for each connection, from the first byte to ready");
  t.key("http.listen", http_listen, "where status pages (and the client's API) are served, ip:port");
  t.key("operator.secret_file", operator_secret_file,
        "file with the secret that commands like `cocoon client topup` must show, 64 hex digits, mode 600; made if "
        "absent; empty: such commands are refused");
  t.key("operator.get_forms", operator_get_forms,
        "answer these commands also as existing dashboards send them: GET /request/topup?proxy=...&access_hash=SECRET "
        "(the secret then stands in their logs)");
}

}  // namespace cocoon::node
