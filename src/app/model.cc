#include "app/model.h"

#include <filesystem>
#include <fstream>

namespace keyturn::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kModelBytesMax = std::uintmax_t{64} << 20U;  // ours has 2.4 MB

}  // namespace

Result<std::shared_ptr<const aws::Model>> load_aws_model(const std::string& path) {
  if (path.empty()) return aws::load_embedded_model();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return fail(Code::kNotFound, "no aws model `{}`", printable(path, 300));
  const std::uintmax_t size = fs::is_regular_file(status) ? fs::file_size(path, error) : 0;
  if (size == 0 || error || size > kModelBytesMax) {
    return fail(
        Code::kInvalid,
        "`{}` is no aws model; `tools/aws_model/generate` writes one as a file of 64 MiB at "
        "most",
        printable(path, 300));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) {
    return fail(Code::kUnavailable, "cannot read the aws model `{}`", printable(path, 300));
  }
  auto model = aws::load_model(text);
  if (!model) return fail(Code::kInvalid, "`{}`: {}", printable(path, 300), model.error().message);
  return model;
}

}  // namespace keyturn::app
