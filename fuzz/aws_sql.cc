// SQL statements. Oracle: whatever stands before it, a DROP behind it is seen, or the whole is not
// read; and a reader of strings by doubled quotes finds no second statement in what only observes.
#include "aws/sql_effect.h"
#include "base/bytes.h"
#include "base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Effect alone = aws::effect_of_sql(text).effect;
  const Effect more = aws::effect_of_sql(text + "\n; DROP TABLE t").effect;
  CHECK(stricter(more, Effect::kDestroy) == more);
  if (alone != Effect::kObserve) return 0;
  // No byte that MySQL, Redshift or Athena reads differently.
  char quote = '\0';
  for (const char c : text) {
    CHECK(c != '\\' && c != '`' && c != '\0');
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else {
      CHECK(c != '#' && c != '$');
    }
  }
  return 0;
}
