#include "base/id.h"

namespace keyturn {
namespace {

constexpr std::size_t kHandleLengthMax = 63;  // a DNS label, so that a name can become one
constexpr std::string_view kCrockford = "0123456789abcdefghjkmnpqrstvwxyz";

}  // namespace

Result<std::string> check_handle(std::string_view text) {
  if (text.empty() || text.size() > kHandleLengthMax) {
    return fail(Code::kInvalid, "a name has 1 to {} characters, not {}", kHandleLengthMax,
                text.size());
  }
  if (text.front() < 'a' || text.front() > 'z') {
    return fail(Code::kInvalid, "the name `{}` must begin with a letter a-z", text);
  }
  for (const char c : text) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!allowed) {
      return fail(Code::kInvalid, "the name `{}` may hold only a-z, 0-9, `-`, `_` and `.`", text);
    }
  }
  return std::string(text);
}

std::string make_id(std::string_view prefix, Random& random) {
  return fmt::format("{}_{}", prefix, random.token(26, kCrockford));
}

}  // namespace keyturn
