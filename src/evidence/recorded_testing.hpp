// A machine that was recorded: a file tree as the kernel shows it, and what can go wrong with it. Tests only.
#pragma once
#include <cerrno>
#include <filesystem>
#include <functional>

#include "evidence/kernel.hpp"

namespace cocoon::evidence::testing {

namespace fs = std::filesystem;

class RecordedKernel final : public Kernel {
 public:
  RecordedKernel() {
    char name[] = "/tmp/cocoon-evidence-XXXXXX";
    root_ = ::mkdtemp(name);
    files_ = linux_kernel(root_);
  }
  ~RecordedKernel() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  // A file of the tree, with the directories above it.
  void record(const fs::path& path, BytesView content) {
    fs::create_directories((root_ / path.relative_path()).parent_path());
    put(path, content);
  }

  // --- What configfs-tsm shows in each entry that is made
  std::string provider = "tdx_guest\n";
  std::function<Bytes(BytesView inblob)> report;  // outblob
  Bytes auxblob;
  bool has_privlevel = false;

  // --- Faults
  int make_fails = 0;           // errno of making a directory
  int busy_reads = 0;           // how often outblob says EBUSY
  int changed_generations = 0;  // how often somebody else writes in between
  std::size_t short_read = 0;   // bytes missing at the end of outblob
  int read_fails = 0;           // errno of reading outblob

  int entries = 0;  // that are there now
  Bytes last_privlevel;

  Result<> make_directory(const fs::path& path) override {
    if (make_fails) return fail(make_fails, "make " + path.string());
    TRY(files_->make_directory(path));
    ++entries;
    put(path / "provider", as_bytes(provider));
    put(path / "generation", as_bytes("0\n"));
    put(path / "inblob", {});
    put(path / "outblob", {});
    if (!auxblob.empty()) put(path / "auxblob", auxblob);
    if (has_privlevel) put(path / "privlevel", {});
    generation_ = 0;
    return {};
  }
  Result<> remove_directory(const fs::path& path) override {
    --entries;
    fs::remove_all(root_ / path.relative_path());
    return {};
  }
  bool exists(const fs::path& path) override { return files_->exists(path); }
  Result<Bytes> read(const fs::path& path, std::size_t limit) override {
    if (path.filename() == "outblob") {
      if (read_fails) return fail(read_fails, "read " + path.string());
      if (busy_reads-- > 0) return fail(EBUSY, "read " + path.string());
      if (changed_generations-- > 0) bump(path.parent_path());
    }
    return files_->read(path, limit);
  }
  Result<> write(const fs::path& path, BytesView bytes) override {
    put(path, bytes);
    if (path.filename() == "privlevel") last_privlevel = to_bytes(bytes);
    if (path.filename() != "inblob") return {};
    bump(path.parent_path());
    auto out = report(bytes);
    out.resize(out.size() - std::min(short_read, out.size()));
    put(path.parent_path() / "outblob", out);
    return {};
  }

  // --- Devices
  std::function<Result<Bytes>(const Bits512&)> tdx;
  std::function<Result<SnpDeviceReport>(const Bits512&, unsigned)> snp;
  std::function<Result<Bytes>(BytesView)> quote_service;
  Result<Bytes> tdx_report(const fs::path&, const Bits512& data) override { return tdx(data); }
  Result<SnpDeviceReport> snp_report(const fs::path&, const Bits512& data, unsigned vmpl) override {
    return snp(data, vmpl);
  }
  Result<Bytes> ask_quote_service(BytesView request) override { return quote_service(request); }

  const fs::path& root() const { return root_; }

 private:
  void put(const fs::path& path, BytesView content) {
    const auto full = root_ / path.relative_path();
    std::FILE* file = std::fopen(full.c_str(), "wb");
    if (!file) return;
    if (!content.empty()) std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
  }
  void bump(const fs::path& entry) { put(entry / "generation", as_bytes(fmt::format("{}\n", ++generation_))); }

  fs::path root_;
  std::unique_ptr<Kernel> files_;
  int generation_ = 0;
};

}  // namespace cocoon::evidence::testing
