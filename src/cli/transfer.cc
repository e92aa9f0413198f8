// Copies of the whole record: a backup, and the way from one database to another.
#include "store/transfer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/cli.h"
#include "cli/local.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kBufferBytes = 1U << 20U;
// A row is an entry (64 KiB) or a policy pack (some MiB) at most.
constexpr std::size_t kLineBytesMax = 64U << 20U;

// Says how far it is, each second after the first.
class Progress {
 public:
  explicit Progress(const Clock& clock) : clock_(clock), said_(clock.monotonic()) {}
  void at(const std::string& how_far) {
    const Instant now = clock_.monotonic();
    if (now - said_ < std::chrono::seconds(1)) return;
    said_ = now;
    print_error(how_far + "\n");
  }

 private:
  const Clock& clock_;
  Instant said_;
};

// A new file that only we may read; it disappears unless it is finished.
class NewFile {
 public:
  static Result<std::unique_ptr<NewFile>> create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      return fail(errno == EEXIST ? Code::kConflict : Code::kUnavailable, "create `{}`: {}", path,
                  std::strerror(errno));
    }
    return std::make_unique<NewFile>(path, descriptor);
  }
  NewFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~NewFile() {
    ::close(descriptor_);
    if (!finished_) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Result<void> add(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    return buffer_.size() < kBufferBytes ? Result<void>() : flush();
  }
  Result<void> finish() {
    TRY_VOID(flush());
    if (::fsync(descriptor_) != 0) return failure();
    finished_ = true;
    return {};
  }

 private:
  Result<void> flush() {
    for (std::string_view rest = buffer_; !rest.empty();) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure();
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
    return {};
  }
  tl::unexpected<Error> failure() const {
    return fail(errno == ENOSPC ? Code::kExhausted : Code::kUnavailable, "write `{}`: {}", path_,
                std::strerror(errno));
  }

  const std::string path_;
  const int descriptor_;
  std::string buffer_;
  bool finished_ = false;
};

store::LineSource lines_of(std::ifstream& file, const std::string& path) {
  return [&file, path]() -> Result<std::optional<std::string>> {
    std::string line;
    for (int c = file.rdbuf()->sbumpc();; c = file.rdbuf()->sbumpc()) {
      if (c == std::ifstream::traits_type::eof()) break;
      if (c == '\n') return line;
      if (line.size() == kLineBytesMax) {
        return fail(Code::kCorrupt, "`{}` has a line of more than {} bytes", path, kLineBytesMax);
      }
      line += static_cast<char>(c);
    }
    // What has no newline was not written to its end.
    if (!line.empty()) return fail(Code::kCorrupt, "`{}` is cut off", path);
    return std::nullopt;
  };
}

// What the exported ledger was, and must be again.
Json about(const ledger::Head& head) {
  return Json::object({{"ledger_size", head.size}, {"ledger_root", head.root.hex()}});
}

Result<std::unique_ptr<app::Core>> open_all(const app::Config& config, Outside& outside,
                                            const Context& context) {
  TRY(auto core, open_core(config, outside, context));
  TRY_VOID(app::prepare_rooms(*core, needs_of(outside, context)));
  return core;
}

}  // namespace

Result<int> back_up(const Context& context) {
  Outside outside;
  TRY(const app::Config config, app::read_config(context.options.config));
  Progress progress(outside.clock);
  TRY(const app::Backup backup,
      app::back_up(config, needs_of(outside, context), context.options.target,
                   [&progress](std::uint64_t done, std::uint64_t total) {
                     progress.at(fmt::format("copied {} of {} pages", done, total));
                   }));
  print(
      fmt::format("{} `{}` has {} ledger entries and {} published files; root {}\n"
                  "The keys are not in it: keep sealing.key and ledger.key apart from the data\n",
                  context.style.paint(Ink::kGreen, "good:"), context.options.target,
                  backup.head.size, backup.files, backup.head.root.hex()));
  return kDone;
}

Result<int> export_records(const Context& context) {
  Outside outside;
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const auto core, open_all(config, outside, context));
  TRY(const ledger::Head head, core->ledger->verify());
  TRY(const auto file, NewFile::create(context.options.target));
  Progress progress(outside.clock);
  std::uint64_t lines = 0;
  TRY(const store::Transferred done,
      store::export_store(*core->store, about(head), [&](std::string_view line) -> Result<void> {
        progress.at(fmt::format("{} lines written", ++lines));
        return file->add(line);
      }));
  TRY_VOID(file->finish());
  print(fmt::format("{} rows of {} tables, {} ledger entries; root {}\n", done.rows, done.tables,
                    head.size, head.root.hex()));
  return kDone;
}

Result<int> import_records(const Context& context) {
  Outside outside;
  const std::string& path = context.options.target;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::kNotFound, "open `{}`: {}", path, std::strerror(errno));
  TRY(const app::Config config, app::read_config(context.options.config));
  TRY(const auto core, open_all(config, outside, context));
  TRY(const ledger::Head before, core->ledger->head());
  if (before.size != 0) {
    return fail(Code::kConflict,
                "the configured database is not empty: its ledger has {} entries; import into a "
                "new one",
                before.size);
  }
  Progress progress(outside.clock);
  std::uint64_t lines = 0;
  const store::LineSource source = [&, next = lines_of(file, path)] {
    progress.at(fmt::format("{} lines read", ++lines));
    return next();
  };
  TRY(const Json exported, store::read_export_head(*core->store, source));
  TRY(const store::Transferred done, store::import_store(*core->store, source));
  TRY(const ledger::Head head, core->ledger->verify());
  if (exported != about(head)) {
    return fail(Code::kCorrupt,
                "the ledger that was imported is not the one that was exported: {} entries, root "
                "{}, instead of {}; remove the new database and go on with the old one",
                head.size, head.root.hex(), to_text(exported));
  }
  TRY_VOID(store::finish_import(*core->store));
  print(fmt::format("{} {} rows of {} tables, {} ledger entries; the same root {}\n",
                    context.style.paint(Ink::kGreen, "good:"), done.rows, done.tables, head.size,
                    head.root.hex()));
  return kDone;
}

Result<int> migrate_store(const Context& context) {
  Outside outside;
  const Options& options = context.options;
  TRY(const app::Config config, app::read_config(options.config));
  TRY_VOID(app::migrate(config, needs_of(outside, context),
                        {.url = options.dsn, .server_role = options.role}));
  print("the tables are up to date\n");
  if (!options.role.empty()) {
    print(fmt::format("`{}` may read and add to the ledger, and not change it\n",
                      printable(options.role, 64)));
  }
  return kDone;
}

}  // namespace keyturn::cli
