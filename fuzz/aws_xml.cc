// The bodies of S3 and the rest of rest-xml, and the XML reader alone. Oracle: what is forwarded is
// read as the same.
#include "aws/xml.h"
#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  if (size < 1) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  struct Route {
    const char* method;
    const char* target;
    const char* scope;
  };
  constexpr Route kRoutes[] = {{"POST", "/bucket?delete=", "s3"},
                               {"PUT", "/bucket?lifecycle=", "s3"},
                               {"PUT", "/bucket?versioning=", "s3"},
                               {"PUT", "/bucket?tagging=", "s3"},
                               {"PUT", "/bucket/key?retention=", "s3"},
                               {"POST", "/2013-04-01/hostedzone/Z1/rrset", "route53"},
                               {"PUT", "/bucket?acl=", "s3"}};
  const Route& route = kRoutes[data[0] % std::size(kRoutes)];
  aws::check_forward(
      {route.scope, "us-east-1"},
      {route.method, route.target, {{"Host", "gate.example"}, {"Content-Type", "application/xml"}}},
      body);
  return 0;
}
