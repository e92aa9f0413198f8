// The rpc-v2-cbor protocol: two bytes choose the operation, the rest is the body.
#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  if (size < 2) return 0;
  const auto* operation = aws::choose_operation('c', data[0], data[1]);
  const auto& service = aws::fuzz_model().service_of(*operation);
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  aws::check_forward(
      {std::string(service.signing_name()), "eu-central-1"},
      {"POST",
       fmt::format("/service/{}/operation/{}", service.target_prefix, operation->name),
       {{"Host", "gate.example"},
        {"Content-Type", "application/cbor"},
        {"smithy-protocol", "rpc-v2-cbor"}}},
      body);
  return 0;
}
