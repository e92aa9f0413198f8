// Oracle: a schema that is read, as text or as JSON, translates to JSON that reads back the same,
// and its text, if it has one, does too.
#include "cedar/cedar.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  using namespace keyturn::cedar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool is_json = text.starts_with("{");
  const Result<Schema> schema = is_json ? Schema::parse_json(text) : Schema::parse(text);
  if (!schema) return 0;
  const Json json = schema->json();
  const Result<Schema> again = Schema::parse_json(to_text(json));
  CHECK(again && again->json() == json);
  const Result<std::string> printed = schema->text();
  if (!is_json) {
    CHECK(printed);
    const Result<Schema> third = Schema::parse(*printed);
    CHECK(third && to_canonical(third->json()) == to_canonical(json));
  }
  const Result<PolicySet> policies = PolicySet::parse(
      "permit(principal, action, resource) when { principal has a && principal.a == resource };");
  validate(*policies, *schema, ValidationMode::kStrict);
  validate(*policies, *schema, ValidationMode::kPermissive);
  return 0;
}
