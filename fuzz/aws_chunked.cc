// aws-chunked framing with unsigned trailers. Oracle: the pieces in which a body arrives do not
// matter, neither for its bytes nor for whether it is refused.
#include "aws/chunked.h"
#include "aws/test_support.h"

namespace {

using keyturn::aws::ChunkedOptions;
using keyturn::aws::Drained;

struct Outcome {
  Drained drained;
  keyturn::aws::Trailers trailers;
};

Outcome decode(const std::string& text, const ChunkedOptions& options, std::size_t piece,
               std::size_t step) {
  keyturn::aws::PieceBody source(text, piece);
  const auto reader = keyturn::aws::ChunkedReader::create(source, options);
  Outcome outcome;
  outcome.drained = keyturn::aws::drain_alone(*reader, step);
  if (!outcome.drained.error) outcome.trailers = reader->trailers();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1 || size > 4'096) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ChunkedOptions options;
  options.kind = keyturn::aws::Payload::kUnsignedWithTrailer;
  options.decoded_bytes = data[0];
  options.trailer_names = {"x-amz-checksum-crc32"};
  const Outcome whole = decode(text, options, 1U << 20U, 1U << 16U);
  const Outcome pieces = decode(text, options, 1, 3);
  CHECK(whole.drained.error.has_value() == pieces.drained.error.has_value());
  if (whole.drained.error) return 0;
  CHECK(whole.drained.bytes == pieces.drained.bytes);
  CHECK(whole.drained.bytes.size() == options.decoded_bytes);
  CHECK(whole.trailers == pieces.trailers);
  return 0;
}
