#include <cstring>

#include "http/body_reader.h"
#include "http/http.h"

namespace keyturn::http {

Task<std::size_t> StringBody::read(std::span<char> into) {
  const std::size_t count = std::min(into.size(), text_.size() - position_);
  std::memcpy(into.data(), text_.data() + position_, count);
  position_ += count;
  co_return count;
}

Task<std::string> read_all(Body& body, std::uint64_t bytes_max) {
  std::string text;
  // A sender is believed in pieces: what it says costs nothing until it comes.
  const auto storage = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  const std::span<char> buffer(storage.get(),
                               static_cast<std::size_t>(std::clamp<std::uint64_t>(
                                   body.length().value_or(kPieceBytes), 1, kPieceBytes)));
  while (true) {
    CO_TRY(const std::size_t count, co_await body.read(buffer));
    if (count == 0) co_return text;
    // The length of an answer to HEAD counts for nothing, so it is looked at after the first bytes.
    if (text.size() + count > bytes_max || body.length().value_or(0) > bytes_max) {
      co_return fail(Code::kExhausted, "a body is over the limit of {} bytes", bytes_max);
    }
    text.append(buffer.data(), count);
  }
}

}  // namespace keyturn::http
