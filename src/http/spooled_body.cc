#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "http/body_reader.h"
#include "http/http.h"

namespace keyturn::http {
namespace {

// A file without a name: it is gone when its last descriptor is, also after a crash.
class NamelessFile {
 public:
  NamelessFile() = default;
  ~NamelessFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  Result<void> open(const std::string& directory) {
    descriptor_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor_ >= 0) return {};
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return failure(directory);
    // A file system without nameless files: name it and take the name away.
    std::string path = directory + "/keyturn-XXXXXX";
    descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor_ < 0) return failure(directory);
    ::unlink(path.c_str());
    return {};
  }

  Result<void> append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure("a spooled body");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t position, std::span<char> into) const {
    while (true) {
      const ssize_t count =
          ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(position));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure("a spooled body");
      return static_cast<std::size_t>(count);
    }
  }

 private:
  static tl::unexpected<Error> failure(std::string_view where) {
    const int code = errno;
    return fail(Code::kUnavailable, "cannot spool a body to `{}`: {}", where,
                std::generic_category().message(code));
  }

  int descriptor_ = -1;
};

class Spool final : public SpooledBody {
 public:
  explicit Spool(Limits limits) : limits_(std::move(limits)) {}

  std::optional<std::uint64_t> length() const override { return size_; }
  void rewind() override { position_ = 0; }

  std::optional<std::string_view> text() const override {
    if (file_.is_open()) return std::nullopt;
    return memory_;
  }

  Result<void> append(std::string_view bytes) {
    if (bytes.size() > limits_.bytes_max - size_) {
      return fail(Code::kExhausted, "a body is over the limit of {} bytes", limits_.bytes_max);
    }
    if (!file_.is_open() && size_ + bytes.size() > limits_.memory_bytes_max) {
      TRY_VOID(file_.open(limits_.directory));
      TRY_VOID(file_.append(memory_));
      memory_.clear();
      memory_.shrink_to_fit();
    }
    size_ += bytes.size();
    if (file_.is_open()) return file_.append(bytes);
    memory_.append(bytes);
    return {};
  }

  Task<std::size_t> read(std::span<char> into) override {
    const std::uint64_t left = size_ - position_;
    std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
    if (count == 0) co_return std::size_t{0};
    if (file_.is_open()) {
      CO_TRY(count, file_.read_at(position_, into.first(count)));
      if (count == 0) co_return fail(Code::kCorrupt, "a spooled body lost its end");
    } else {
      std::memcpy(into.data(), memory_.data() + position_, count);
    }
    position_ += count;
    co_return count;
  }

 private:
  const Limits limits_;
  std::string memory_;
  NamelessFile file_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace

Task<std::unique_ptr<SpooledBody>> SpooledBody::read(Body& source, const Limits& limits) {
  auto spool = std::make_unique<Spool>(limits);
  // Shorter bodies, nearly all, need no more than their own size.
  const std::size_t size = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(source.length().value_or(kPieceBytes), 1, kPieceBytes));
  if (source.length().value_or(0) > limits.bytes_max) {
    co_return fail(Code::kExhausted, "a body of {} bytes is over the limit of {}", *source.length(),
                   limits.bytes_max);
  }
  const auto storage = std::make_unique_for_overwrite<char[]>(size);
  const std::span<char> buffer(storage.get(), size);
  while (true) {
    CO_TRY(const std::size_t count, co_await source.read(buffer));
    if (count == 0) break;
    CO_TRY_VOID(spool->append(std::string_view(buffer.data(), count)));
  }
  std::unique_ptr<SpooledBody> body = std::move(spool);
  co_return body;
}

}  // namespace keyturn::http
