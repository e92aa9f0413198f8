// Request bodies that must be known before anything is decided: read whole within limits and a
// budget shared by all requests. Everything belongs to one event loop.
#pragma once

#include "aws/chunked.h"
#include "aws/gateway_door.h"
#include "aws/gateway_parts.h"

namespace keyturn::aws {

// A body whose bytes count against the budget as they are read, until it dies.
class MeteredBody final : public http::Body {
 public:
  MeteredBody(http::Body& source, std::shared_ptr<ByteBudget> budget)
      : source_(source), budget_(std::move(budget)) {}
  MeteredBody(const MeteredBody&) = delete;
  MeteredBody& operator=(const MeteredBody&) = delete;
  ~MeteredBody() override { budget_->give_back(taken_); }

  std::optional<std::uint64_t> length() const override { return source_.length(); }
  http::Task<std::size_t> read(std::span<char> into) override;
  bool over_budget() const { return over_budget_; }
  std::uint64_t taken() const { return taken_; }

 private:
  http::Body& source_;
  const std::shared_ptr<ByteBudget> budget_;
  std::uint64_t taken_ = 0;
  bool over_budget_ = false;
};

// What a failed read of the client's body is answered with.
Refused refusal_of_body(const Error& error);

// A body read whole: raw as it came, and decoded from aws-chunked where it was so framed.
class WholeBody {
 public:
  // Into memory: at most kParsedBodyBytesMax. For what is parsed.
  static Step<std::unique_ptr<WholeBody>> read(Shared& shared, http::Body& source);
  // To disk beyond a little memory: at most options.body.bytes_max. For uploads that are put before
  // reviewers.
  static Step<std::unique_ptr<WholeBody>> spool(Shared& shared, http::Body& source);

  // The raw bytes; only after read().
  std::string_view text() const { return *spooled_->text(); }
  std::uint64_t bytes() const { return metered_->taken(); }
  // The raw bytes again from their start.
  http::Body& again() {
    spooled_->rewind();
    return *spooled_;
  }
  // SHA-256 of the raw bytes, or of what they decode to; verifies chunk signatures on the way.
  Step<std::string> content_digest(const std::optional<ChunkedOptions>& chunked);

  struct Decoded {
    std::string text;
    Trailers trailers;
  };
  // Only after read().
  Step<Decoded> decode(ChunkedOptions chunked);

 private:
  static Step<std::unique_ptr<WholeBody>> fill(http::Body& source, http::SpooledBody::Limits limits,
                                               std::shared_ptr<ByteBudget> budget);
  std::unique_ptr<MeteredBody> metered_;
  std::unique_ptr<http::SpooledBody> spooled_;
};

}  // namespace keyturn::aws
