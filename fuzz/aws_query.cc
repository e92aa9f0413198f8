// The query and ec2 protocols: three bytes choose the operation, the rest follows its Action and
// Version in the form.
#include "aws_forward.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  if (size < 3) return 0;
  const auto* operation = aws::choose_operation(data[2] % 2 == 0 ? 'q' : 'e', data[0], data[1]);
  const auto& service = aws::fuzz_model().service_of(*operation);
  const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::string form =
      fmt::format("Action={}&Version={}&{}", operation->name, service.api_version, rest);
  const aws::Scope scope{std::string(service.signing_name()), "eu-central-1"};
  if (data[2] % 4 < 2) {
    aws::check_forward(
        scope,
        {"POST",
         "/",
         {{"Host", "gate.example"}, {"Content-Type", "application/x-www-form-urlencoded"}}},
        form);
  } else {
    aws::check_forward(scope, {"GET", "/?" + form, {{"Host", "gate.example"}}}, "");
  }
  return 0;
}
