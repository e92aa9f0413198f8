#include "vault/profile.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/bytes.h"
#include "base/json.h"
#include "vault/found.h"

namespace keyturn::vault {
namespace {

void wipe_sections(Sections& sections) {
  for (auto& [name, settings] : sections) {
    for (auto& [key, value] : settings) crypto::wipe(value);
  }
}

// A missing file is an empty one.
Result<std::string> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::string();
    return fail(Code::kUnavailable, "open `{}`: {}", path, std::generic_category().message(errno));
  }
  std::string text(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  int error = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(descriptor, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  ::close(descriptor);
  if (error != 0 || size > kFileBytesMax) {
    crypto::wipe(text);
    if (error == 0) return fail(Code::kExhausted, "`{}` exceeds {} bytes", path, kFileBytesMax);
    return fail(Code::kUnavailable, "read `{}`: {}", path, std::generic_category().message(error));
  }
  text.resize(size);
  return text;
}

Result<Sections> read_sections(const std::string& path) {
  TRY(auto text, read_file(path));
  auto sections = parse_profiles(text);
  crypto::wipe(text);
  return context(std::move(sections), path);
}

const Settings* find_section(const Sections& sections, const std::string& name) {
  const auto found = sections.find(name);
  return found == sections.end() ? nullptr : &found->second;
}

std::string_view setting(const Settings* settings, std::string_view key) {
  if (settings == nullptr) return {};
  const auto found = settings->find(key);
  return found == settings->end() ? std::string_view() : std::string_view(found->second);
}

Result<Credentials> run_credential_process(std::string_view command, const ProcessLimits& limits,
                                           const Clock& clock) {
  TRY(const auto words, context(split_command(command), "credential_process"));
  TRY(auto output, context(run_process(words, limits, clock), "credential_process"));
  auto version = parse_strict(output, JsonLimits{.bytes_max = kAnswerBytesMax, .depth_max = 8});
  const bool known =
      version && version->find("Version") != nullptr && *version->find("Version") == Json(1);
  auto credentials = read_credentials_json(output, "SessionToken");
  crypto::wipe(output);
  if (!known) {
    return fail(Code::kInvalid, "credential_process: the answer of `{}` is no JSON of version 1",
                words[0]);
  }
  return context(std::move(credentials), "credential_process");
}

Result<Credentials> from_sections(const Settings* credentials, const Settings* config,
                                  const ProfilePlace& place, const ProcessLimits& limits,
                                  const Clock& clock) {
  if (credentials == nullptr && config == nullptr) {
    return fail(Code::kNotFound, "no profile `{}` in `{}` or `{}`", place.profile,
                place.credentials_file, place.config_file);
  }
  for (const Settings* settings : {credentials, config}) {
    const std::string_view id = setting(settings, "aws_access_key_id");
    if (id.empty()) continue;
    return context(make_credentials(std::string(id), setting(settings, "aws_secret_access_key"),
                                    setting(settings, "aws_session_token"), std::nullopt),
                   fmt::format("profile `{}`", place.profile));
  }
  for (const Settings* settings : {credentials, config}) {
    const std::string_view command = setting(settings, "credential_process");
    if (!command.empty()) {
      return context(run_credential_process(command, limits, clock),
                     fmt::format("profile `{}`", place.profile));
    }
  }
  for (const std::string_view key :
       {"role_arn", "sso_session", "sso_start_url", "web_identity_token_file"}) {
    if (!setting(credentials, key).empty() || !setting(config, key).empty()) {
      return fail(
          Code::kInvalid,
          "profile `{}` uses `{}`, which is not read here; set credential_process, for example "
          "to `aws configure export-credentials --profile {} --format process`",
          place.profile, key, place.profile);
    }
  }
  return fail(Code::kNotFound, "profile `{}` has neither aws_access_key_id nor credential_process",
              place.profile);
}

}  // namespace

Result<Sections> parse_profiles(std::string_view text) {
  Sections sections;
  Settings* current = nullptr;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool nested = line.starts_with(' ') || line.starts_with('\t');
    line = trim(line);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (nested) continue;
    if (line.starts_with('[')) {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos) {
        return fail(Code::kInvalid, "line {}: a section without `]`", number);
      }
      std::string name(trim(line.substr(1, close - 1)));
      if (sections.contains(name)) {
        return fail(Code::kInvalid, "line {}: the section `{}` is there twice", number,
                    printable(name, 100));
      }
      current = &sections[name];
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || current == nullptr) {
      wipe_sections(sections);
      return fail(Code::kInvalid, "line {}: neither a section nor a setting of one", number);
    }
    std::string key = to_lower(trim(line.substr(0, equals)));
    const std::string_view value = trim(line.substr(equals + 1));
    if (!current->emplace(key, value).second) {
      wipe_sections(sections);
      return fail(Code::kInvalid, "line {}: the setting `{}` is there twice", number,
                  printable(key, 100));
    }
  }
  return sections;
}

ProfilePlace find_place(const Environment& environment, std::string_view home,
                        std::string_view profile) {
  const auto value_or = [&](std::string_view name, std::string otherwise) {
    auto value = environment(name);
    return value && !value->empty() ? *value : std::move(otherwise);
  };
  ProfilePlace place;
  place.credentials_file =
      value_or("AWS_SHARED_CREDENTIALS_FILE", fmt::format("{}/.aws/credentials", home));
  place.config_file = value_or("AWS_CONFIG_FILE", fmt::format("{}/.aws/config", home));
  place.profile = profile == "default" ? value_or("AWS_PROFILE", "default") : std::string(profile);
  return place;
}

Result<Credentials> read_profile(const ProfilePlace& place, const ProcessLimits& limits,
                                 const Clock& clock) {
  TRY(auto credentials, read_sections(place.credentials_file));
  auto config = read_sections(place.config_file);
  if (!config) {
    wipe_sections(credentials);
    return fail(std::move(config).error());
  }
  const Settings* in_config = find_section(*config, fmt::format("profile {}", place.profile));
  if (in_config == nullptr && place.profile == "default")
    in_config = find_section(*config, "default");
  auto found =
      from_sections(find_section(credentials, place.profile), in_config, place, limits, clock);
  wipe_sections(credentials);
  wipe_sections(*config);
  return found;
}

}  // namespace keyturn::vault
