// Ledger entries as OpenTelemetry log records, in the JSON of OTLP/HTTP 1.x: what a collector takes
// at /v1/logs. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace keyturn::cli {

struct ExportedEntry {
  std::uint64_t index = 0;
  std::string leaf;  // hex
  std::string text;  // as logged
};

// One ExportLogsServiceRequest. A record's body is the logged text byte for byte, so that a reader
// can hash it again; index, leaf hash and kind are attributes. kCorrupt when a text is no entry.
Result<std::string> otlp_request(const std::vector<ExportedEntry>& entries);

// Whether a collector's answer means that all of them are taken. kUnavailable says why not.
Result<void> check_otlp_answer(int status, std::string_view body);

// Where to post: a URL without a path is a collector's, whose logs go to /v1/logs.
std::string otlp_path(std::string_view path);

}  // namespace keyturn::cli
