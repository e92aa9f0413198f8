// Oracle: policy text that is read prints, and its print and its JSON read back to the same
// policies; deciding with them neither crashes nor hangs, and the index decides as the response
// does.
#include "cedar/cedar.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  using namespace keyturn::cedar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<PolicySet> set = PolicySet::parse(text);
  if (!set) return 0;
  const std::string printed = set->print();
  const Result<PolicySet> again = PolicySet::parse(printed);
  CHECK(again && again->print() == printed);
  const Result<Json> json = set->json();
  if (json) {
    const Result<PolicySet> third = PolicySet::from_json(*json);
    CHECK(third && to_canonical(*third->json()) == to_canonical(*json));
  }
  Request request{{"User", "a"}, {"Action", "view"}, {"Doc", "d"}, Json()};
  request.context = Json::object({{"a", 1}, {"b", "x"}});
  const Result<Response> response = authorize(*set, Entities(), request);
  CHECK(response);
  Outcome outcome;
  decide(*set, Entities(), *PreparedRequest::make(request), outcome);
  CHECK(outcome.decision == response->decision);
  CHECK(outcome.errors.size() == response->errors.size());
  return 0;
}
