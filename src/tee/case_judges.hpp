// How a case of a corpus is judged, one function per family of kinds; the table is in corpus.cpp.
#pragma once
#include "tee/corpus.hpp"

namespace cocoon::tee {

Result<std::string> judge_snp_case(const CaseInputs&);
Result<std::string> judge_intel_case(const CaseInputs&);
Result<std::string> judge_ratls_case(const CaseInputs&);
Result<std::string> judge_nvidia_case(const CaseInputs&);
Result<std::string> judge_vtpm_case(const CaseInputs&);
Result<std::string> judge_ccel_case(const CaseInputs&);
Result<std::string> judge_application_log_case(const CaseInputs&);

}  // namespace cocoon::tee
