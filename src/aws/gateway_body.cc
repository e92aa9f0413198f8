#include "aws/gateway_body.h"

#include <algorithm>

namespace keyturn::aws {
namespace {

constexpr std::size_t kBlockBytes = 64U << 10U;
// Of an upload that is spooled for review; the rest goes to disk.
constexpr std::uint64_t kUploadMemoryBytesMax = 256U << 10U;

// Reads a body to its end, handing each block to `take`.
Step<void> drain(http::Body& body, const std::function<void(std::string_view)>& take) {
  std::string block(kBlockBytes, '\0');
  for (;;) {
    const std::span<char> into(block);
    const auto count = co_await body.read(into);
    if (!count) co_return tl::unexpected<Refused>(refusal_of_body(count.error()));
    if (*count == 0) co_return Checked<void>();
    take(std::string_view(block).substr(0, *count));
  }
}

}  // namespace

http::Task<std::size_t> MeteredBody::read(std::span<char> into) {
  CO_TRY(const std::size_t count, co_await source_.read(into));
  if (!budget_->take(count)) {
    over_budget_ = true;
    co_return fail(Code::kExhausted, "too many request bodies are held at once");
  }
  taken_ += count;
  co_return count;
}

Refused refusal_of_body(const Error& error) {
  switch (error.code) {
    case Code::kDenied:
      return {Fault::kWrongSignature, error.message};
    case Code::kExhausted:
      return {Fault::kTooLarge, "the request body is too large: " + error.message};
    case Code::kUnavailable:
      return {Fault::kUnavailable, "the request body could not be read: " + error.message};
    default:
      return {Fault::kMalformed, "the request body could not be read: " + error.message};
  }
}

Step<std::unique_ptr<WholeBody>> WholeBody::read(Shared& shared, http::Body& source) {
  http::SpooledBody::Limits limits = shared.options.body;
  limits.bytes_max = std::min<std::uint64_t>(limits.bytes_max, kParsedBodyBytesMax);
  limits.memory_bytes_max = limits.bytes_max;
  co_return co_await fill(source, std::move(limits), shared.body_memory);
}

Step<std::unique_ptr<WholeBody>> WholeBody::spool(Shared& shared, http::Body& source) {
  http::SpooledBody::Limits limits = shared.options.body;
  limits.memory_bytes_max = std::min(limits.memory_bytes_max, kUploadMemoryBytesMax);
  co_return co_await fill(source, std::move(limits), shared.spool_disk);
}

Step<std::unique_ptr<WholeBody>> WholeBody::fill(http::Body& source,
                                                 http::SpooledBody::Limits limits,
                                                 std::shared_ptr<ByteBudget> budget) {
  const std::uint64_t announced = source.length().value_or(0);
  if (announced > limits.bytes_max) {
    co_return refuse(Fault::kTooLarge, "the request body of {} bytes exceeds {}", announced,
                     limits.bytes_max);
  }
  auto whole = std::make_unique<WholeBody>();
  whole->metered_ = std::make_unique<MeteredBody>(source, std::move(budget));
  auto spooled = co_await http::SpooledBody::read(*whole->metered_, limits);
  if (!spooled) {
    if (whole->metered_->over_budget()) {
      co_return refuse(Fault::kSlowDown, "{}; try again in a moment", spooled.error().message);
    }
    co_return tl::unexpected<Refused>(refusal_of_body(spooled.error()));
  }
  whole->spooled_ = std::move(*spooled);
  co_return whole;
}

Step<std::string> WholeBody::content_digest(const std::optional<ChunkedOptions>& chunked) {
  crypto::Sha256 hash;
  const std::function<void(std::string_view)> take = [&hash](std::string_view block) {
    hash.update(block);
  };
  std::unique_ptr<ChunkedReader> reader;
  http::Body* body = &again();
  if (chunked) {
    reader = ChunkedReader::create(*body, *chunked);
    body = reader.get();
  }
  auto drained = co_await drain(*body, take);
  if (!drained) co_return tl::unexpected<Refused>(std::move(drained).error());
  co_return hash.finish().hex();
}

Step<WholeBody::Decoded> WholeBody::decode(ChunkedOptions chunked) {
  Decoded decoded;
  const std::function<void(std::string_view)> take = [&decoded](std::string_view block) {
    decoded.text += block;
  };
  const auto reader = ChunkedReader::create(again(), std::move(chunked));
  auto drained = co_await drain(*reader, take);
  if (!drained) co_return tl::unexpected<Refused>(std::move(drained).error());
  decoded.trailers = reader->trailers();
  co_return decoded;
}

}  // namespace keyturn::aws
