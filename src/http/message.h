// What a request and a response are made of: heads as fields, bodies as bytes that come when they
// are read. Values copy; a body has one reader, on its loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/task.h"

namespace keyturn::http {

// Header fields in the order received, compared without regard to case (RFC 9110 section 5).
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string_view name, std::string_view value);
  // Replaces every field of that name.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  // The first field's value; repeated fields are the caller's business: ask count().
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

struct RequestHead {
  std::string method;
  std::string target;  // origin-form, raw: nothing decoded
  Headers headers;
};

struct ResponseHead {
  int status = 200;
  Headers headers;
};

// Bytes of a body as they come. One reader, on its loop.
class Body {
 public:
  virtual ~Body() = default;
  // Known before the first read, or nothing when the body is chunked. In the answer to HEAD, what
  // the body would have been.
  virtual std::optional<std::uint64_t> length() const = 0;
  // At least one byte, or 0 at the end; `into` is not empty. kInvalid (a request's) or kCorrupt (an
  // answer's): broken framing; kTimeout; kUnavailable: peer gone. After an error the body is dead.
  virtual Task<std::size_t> read(std::span<char> into) = 0;
};

// A body that is in memory already.
class StringBody final : public Body {
 public:
  explicit StringBody(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> length() const override { return text_.size(); }
  Task<std::size_t> read(std::span<char> into) override;

 private:
  std::string text_;
  std::size_t position_ = 0;
};

// Reads the whole body into memory. kExhausted beyond `bytes_max`.
Task<std::string> read_all(Body& body, std::uint64_t bytes_max);

// A body read whole, in memory up to a limit and in an unlinked file beyond it, so that it can be
// looked at before it is sent on, and read again.
class SpooledBody : public Body {
 public:
  struct Limits {
    std::uint64_t memory_bytes_max = 64U << 20U;        // DESIGN: spooled in memory
    std::uint64_t bytes_max = std::uint64_t{5} << 30U;  // S3's largest single PUT
    std::string directory = "/tmp";
  };
  // kExhausted beyond bytes_max; kUnavailable when the disk is full.
  static Task<std::unique_ptr<SpooledBody>> read(Body& source, const Limits& limits);
  // The whole body when it is in memory; nothing when it is on disk.
  virtual std::optional<std::string_view> text() const = 0;
  // The next read starts from the first byte again.
  virtual void rewind() = 0;
};

}  // namespace keyturn::http
