// Statements of DynamoDB's PartiQL. Oracle: the table that one is said to touch is written in it,
// it stays the same whatever space is around, and a comment or a second statement leaves none.
#include "aws/partiql.h"
#include "base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto target = aws::target_of_partiql(text);
  if (!target) return 0;
  CHECK(target->starts_with("table/"));
  const std::string name = target->substr(6, target->find("/index/") - 6);
  CHECK(text.find(name) != std::string::npos);
  CHECK(aws::target_of_partiql("\n " + text + "\t") == target);
  CHECK(aws::effect_of_partiql(" " + text) == aws::effect_of_partiql(text));
  for (const char* more : {" -- x", " /* x */", "; DELETE FROM Others", " FROM Others"}) {
    CHECK(!aws::target_of_partiql(text + more));
  }
  return 0;
}
