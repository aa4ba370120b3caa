#include <mutex>
#include <optional>

#include "evidence/source.hpp"
#include "tee/snp_verify.hpp"
#include "tee/x509.hpp"

namespace cocoon::evidence {
namespace {

class EndorsedSource final : public Source {
 public:
  EndorsedSource(std::shared_ptr<Source> source, Endorse endorse)
      : source_(std::move(source)), endorse_(std::move(endorse)) {}
  std::string name() const override { return source_->name(); }

  Result<Collected> collect(const Challenge& challenge) override {
    TRY_ASSIGN(auto out, source_->collect(challenge));
    auto* snp = std::get_if<tee::SnpEvidence>(&out.cpu);
    if (!snp || !snp->vcek.empty()) return out;
    auto found = endorsement(snp->report);
    if (!found) return std::unexpected(std::move(found).error().within("the host hands out no VCEK or VLEK"));
    snp->vcek = *std::move(found);
    return out;
  }

 private:
  struct Known {
    Bits512 chip;
    FixedBytes<8> tcb;
    std::string vcek;
  };

  Result<std::string> endorsement(BytesView raw) {
    TRY_ASSIGN(const auto report, tee::parse_snp_report(raw));
    const std::lock_guard lock(mutex_);
    if (known_ && known_->chip == report.chip_id && known_->tcb == report.reported_tcb) return known_->vcek;
    TRY_ASSIGN(auto found, endorse_(raw));
    TRY_ASSIGN(const auto blocks, tee::read_pem(found, "CERTIFICATE", 1));
    if (auto fits = tee::endorses(blocks.front(), raw); !fits)
      return std::unexpected(std::move(fits).error().within("the VCEK that was found is of another report"));
    known_ = {report.chip_id, report.reported_tcb, std::move(found)};
    return known_->vcek;
  }

  std::shared_ptr<Source> source_;
  Endorse endorse_;
  std::mutex mutex_;
  std::optional<Known> known_;  // a machine has one chip, and one TCB at a time
};

}  // namespace

std::unique_ptr<Source> endorsed_source(std::shared_ptr<Source> source, Endorse endorse) {
  return std::make_unique<EndorsedSource>(std::move(source), std::move(endorse));
}

}  // namespace cocoon::evidence
