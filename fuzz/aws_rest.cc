// REST routing, in JSON and XML: a byte chooses the method, another the service; a line is the
// target, lines of headers follow, then an empty line and the body.
#include <array>

#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  constexpr std::array<const char*, 6> kMethods = {"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"};
  constexpr std::array<const char*, 12> kScopes = {
      "s3",        "lambda", "apigateway", "route53",     "cloudfront", "eks",
      "s3express", "lex",    "bedrock",    "execute-api", "batch",      "iot"};
  if (size < 2) return 0;
  http::RequestHead head{kMethods[data[0] % kMethods.size()], "/", {}};
  const aws::Scope scope{kScopes[data[1] % kScopes.size()], "eu-central-1"};
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  head.target = fmt::format("/{}", line());
  head.headers.add("Host", "gate.example");
  for (int count = 0; count < 16; ++count) {
    const std::string_view field = line();
    const std::size_t colon = field.find(':');
    if (colon == field.npos || colon == 0) break;
    head.headers.add(field.substr(0, colon), field.substr(colon + 1));
  }
  const bool streamed = !aws::wants_body(aws::fuzz_model(), scope, head, {});
  aws::check_forward(scope, head, streamed ? std::nullopt : std::optional(rest));
  return 0;
}
