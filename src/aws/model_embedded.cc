#include "aws/aws.h"
#include "aws/model.h"

// The model as it stands in data/aws, put into the binary by the assembler: a string literal of two
// megabytes would cost the compiler more than the whole room.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    ".global keyturn_aws_model_begin\n"
    "keyturn_aws_model_begin:\n"
    ".incbin \"" KEYTURN_AWS_MODEL
    "\"\n"
    ".global keyturn_aws_model_end\n"
    "keyturn_aws_model_end:\n"
    ".previous\n");

extern "C" {
extern const char keyturn_aws_model_begin[];
extern const char keyturn_aws_model_end[];
}

namespace keyturn::aws {

Result<std::shared_ptr<const Model>> load_embedded_model() {
  const auto size = static_cast<std::size_t>(keyturn_aws_model_end - keyturn_aws_model_begin);
  return Model::load(std::string(keyturn_aws_model_begin, size));
}

Result<std::shared_ptr<const Model>> load_model(std::string_view text) {
  return Model::load(std::string(text));
}

std::string describe(const Model& model) { return model.description(); }

}  // namespace keyturn::aws
