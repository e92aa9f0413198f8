// The shared config and credentials files of AWS clients. Blocks on files and on
// credential_process.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "vault/process.h"
#include "vault/vault.h"

namespace keyturn::vault {

using Settings = std::map<std::string, std::string, std::less<>>;
using Sections = std::map<std::string, Settings, std::less<>>;

inline constexpr std::size_t kFileBytesMax = 1U << 20U;  // of either file; real ones are a few KiB

// Sections of an AWS ini file by the name in the brackets; nested (indented) settings are skipped.
// kInvalid with the line number on what is no section, setting or comment, and on repetition:
// clients disagree about which one counts.
Result<Sections> parse_profiles(std::string_view text);

struct ProfilePlace {
  std::string credentials_file;
  std::string config_file;
  std::string profile;
};
// Files and profile as the environment overrides them (AWS_SHARED_CREDENTIALS_FILE,
// AWS_CONFIG_FILE, and AWS_PROFILE when `profile` is `default`).
ProfilePlace find_place(const Environment& environment, std::string_view home,
                        std::string_view profile);

// Static keys first, then credential_process; the credentials file before the config file.
Result<Credentials> read_profile(const ProfilePlace& place, const ProcessLimits& limits,
                                 const Clock& clock);

}  // namespace keyturn::vault
