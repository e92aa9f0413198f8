// Oracle: a policy set in JSON that is read prints and is written as JSON that reads back the same.
#include "cedar/cedar.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  using namespace keyturn::cedar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<PolicySet> set = PolicySet::parse_json(text);
  if (!set) return 0;
  const Result<PolicySet> printed = PolicySet::parse(set->print());
  CHECK(printed);
  CHECK(printed->ids().size() == set->ids().size());
  const Result<Json> json = set->json();
  if (!json) return 0;
  const Result<PolicySet> again = PolicySet::from_json(*json);
  CHECK(again && to_canonical(*again->json()) == to_canonical(*json));
  return 0;
}
