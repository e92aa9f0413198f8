// CloudFormation templates; a line `%%` parts the old from the new. Oracle: a template written as
// JSON is the same template; nothing differs from itself; the diff does not depend on how it is
// written.
#include "aws/template.h"
#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("\n%%\n"), text.size());
  const auto before = aws::parse_template(text.substr(0, cut));
  if (!before) return 0;
  const auto again = aws::parse_template(to_text(*before));
  CHECK(again);
  const auto same = aws::template_diff(aws::fuzz_model(), {.body = *before}, {.body = *again});
  for (const aws::TemplateChange& change : same.changes) {
    // Only what is computed at each update may change by itself.
    CHECK(change.change != aws::ResourceChange::kAdded);
    CHECK(change.change != aws::ResourceChange::kRemoved);
    CHECK(change.change != aws::ResourceChange::kReleased);
  }
  if (cut + 4 > text.size()) return 0;
  const auto after = aws::parse_template(text.substr(cut + 4));
  if (!after) return 0;
  const auto diff = aws::template_diff(aws::fuzz_model(), {.body = *before}, {.body = *after});
  const auto other = aws::template_diff(aws::fuzz_model(), {.body = *again}, {.body = *after});
  CHECK(diff.changes == other.changes);
  CHECK(diff.effect == other.effect);
  for (const aws::TemplateChange& change : diff.changes) {
    const bool gone = change.change == aws::ResourceChange::kRemoved ||
                      change.change == aws::ResourceChange::kReplaced ||
                      change.change == aws::ResourceChange::kMayReplace;
    CHECK(!gone || stricter(diff.effect, Effect::kDestroy) == diff.effect);
  }
  return 0;
}
