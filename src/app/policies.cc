#include "app/policies.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace keyturn::app {
namespace {

constexpr std::uintmax_t kFileBytesMax = std::uintmax_t{4} << 20U;  // far beyond what people write
constexpr std::size_t kFilesMax = 1'000;
constexpr const char* kSchemaFile = "keyturn.cedarschema";

Result<gate::Policies::File> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return fail(Code::kInvalid, "read `{}`: {}", path.string(), error.message());
  if (size > kFileBytesMax) return fail(Code::kInvalid, "`{}` is larger than 4 MiB", path.string());
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(Code::kInvalid, "read `{}`: it cannot be opened", path.string());
  return gate::Policies::File{path.filename().string(), text.str()};
}

}  // namespace

Result<PolicyPack> read_policies(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".cedar") paths.push_back(entry->path());
    if (paths.size() > kFilesMax) {
      return fail(Code::kInvalid, "the policy folder `{}` has more than {} files", folder,
                  kFilesMax);
    }
  }
  if (error) return fail(Code::kNotFound, "the policy folder `{}`: {}", folder, error.message());
  if (paths.empty()) {
    return fail(Code::kNotFound,
                "the policy folder `{}` has no *.cedar file, and without policies everything would "
                "be denied",
                folder);
  }
  std::sort(paths.begin(), paths.end());
  PolicyPack pack;
  for (const std::filesystem::path& path : paths) {
    TRY(gate::Policies::File file, read_file(path));
    pack.files.push_back(std::move(file));
  }
  const std::filesystem::path schema = std::filesystem::path(folder) / kSchemaFile;
  if (std::filesystem::exists(schema, error)) {
    TRY(pack.schema, read_file(schema));
  } else {
    pack.schema = embedded_policies().schema;
  }
  return pack;
}

Result<std::shared_ptr<const gate::Policies>> load_policies(const std::string& folder) {
  PolicyPack pack;
  if (folder.empty()) {
    pack = embedded_policies();
  } else {
    TRY(pack, read_policies(folder));
  }
  TRY(auto policies, gate::Policies::load(pack.files, pack.schema));
  if (policies->is_empty()) {
    return fail(Code::kNotFound,
                "the policy folder `{}` holds no policy, and without policies everything would be "
                "denied",
                folder);
  }
  return policies;
}

}  // namespace keyturn::app
