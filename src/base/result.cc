#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace keyturn {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kDenied:
      return "denied";
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not_found";
    case Code::kConflict:
      return "conflict";
    case Code::kExhausted:
      return "exhausted";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kTimeout:
      return "timeout";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "keyturn: broken invariant `%s` at %s:%d; please report this\n", expression,
               file, line);
  std::abort();
}

}  // namespace keyturn
