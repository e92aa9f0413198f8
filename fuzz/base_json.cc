// Oracle: what parse_strict reads, it writes and reads again as the same value, also canonically;
// equal values have one canonical form.
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using keyturn::Json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const keyturn::Result<Json> value = keyturn::parse_strict(text);
  if (!value) return 0;
  const keyturn::Result<Json> again = keyturn::parse_strict(keyturn::to_text(*value));
  CHECK(again && *again == *value);
  const std::string canonical = keyturn::to_canonical(*value);
  const keyturn::Result<Json> third = keyturn::parse_strict(canonical);
  CHECK(third && keyturn::to_canonical(*third) == canonical);
  CHECK(keyturn::parse_strict(keyturn::to_pretty_text(*value)) == *value);
  return 0;
}
