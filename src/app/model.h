// Which model of AWS is used.
#pragma once

#include <memory>
#include <string>

#include "aws/aws.h"
#include "base/result.h"

namespace keyturn::app {

// The model in a file, or the one built into the binary when `path` is empty. kInvalid names the
// file and the line; kNotFound, kUnavailable.
Result<std::shared_ptr<const aws::Model>> load_aws_model(const std::string& path);

}  // namespace keyturn::app
