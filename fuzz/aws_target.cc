// Targets and canonical forms. Oracle: a path that was read and written is read as the same
// segments; canonical forms are their own; an ARN's resource is an ARN again or `*`.
#include "aws/bind.h"
#include "aws/parameters.h"
#include "aws/sigv4.h"
#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const aws::PathRules rules : {aws::PathRules::kObjectKeys, aws::PathRules::kPlain}) {
    const auto target = aws::read_target(text, rules);
    if (!target) continue;
    // The gate's own prefix is read once; upstream knows none.
    if (target->path.starts_with("/_svc/")) continue;
    const std::string written =
        aws::write_path(target->segments, target->trailing_slash) + aws::write_query(target->query);
    const auto again = aws::read_target(written, rules);
    CHECK(again);
    CHECK(again->segments == target->segments);
    CHECK(again->query == target->query);
    CHECK(again->trailing_slash == target->trailing_slash);
    const std::string path = aws::write_path(target->segments, target->trailing_slash);
    const auto encoded = aws::encoded_path(path);
    CHECK(encoded && *encoded == path);
  }
  if (const auto query = aws::canonical_query(text)) {
    const auto again = aws::canonical_query(*query);
    CHECK(again && *again == *query);
  }
  const Resource resource = aws::resource_of_arn(text, "s3:object");
  CHECK(resource.name == "*" || resource.name.starts_with("arn:"));
  CHECK(aws::resource_of_arn(resource.name, "s3:object").name == resource.name);
  if (const auto form = aws::read_form(text)) {
    const auto again = aws::read_form(aws::write_form(*form));
    CHECK(again && *again == *form);
  }
  return 0;
}
