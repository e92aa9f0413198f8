#include "cli/otlp.h"

#include "base/bytes.h"
#include "base/clock.h"

namespace keyturn::cli {
namespace {

constexpr int kInfo = 9;      // SeverityNumber INFO
constexpr int kWarning = 13;  // WARN: denied or refused, perhaps worth a look

Json attribute(std::string_view key, std::string_view kind, std::string_view value) {
  // Integers of 64 bits are strings in protobuf's JSON.
  return Json::object({{"key", key}, {"value", Json::object({{std::string(kind), value}})}});
}

int severity_of(const Json& entry) {
  if (entry.string_or("kind", "") == "action.refused") return kWarning;
  const Json* body = entry.find("body");
  return body != nullptr && body->string_or("verdict", "") == "deny" ? kWarning : kInfo;
}

Result<Json> record_of(const ExportedEntry& exported) {
  TRY(const Json entry, parse_strict(exported.text));
  TRY(const std::string time_text, entry.get_string("time"));
  TRY(const std::string kind, entry.get_string("kind"));
  const auto time = parse_time(time_text);
  if (!time) return fail(Code::kCorrupt, "entry {}: its time is none", exported.index);
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time->time_since_epoch()).count();
  const int severity = severity_of(entry);
  return Json::object({
      {"timeUnixNano", fmt::to_string(nanoseconds)},
      {"severityNumber", severity},
      {"severityText", severity == kInfo ? "INFO" : "WARN"},
      {"eventName", fmt::format("keyturn.{}", kind)},
      {"body", Json::object({{"stringValue", exported.text}})},
      {"attributes",
       Json::array({attribute("keyturn.ledger.index", "intValue", fmt::to_string(exported.index)),
                    attribute("keyturn.ledger.leaf", "stringValue", exported.leaf),
                    attribute("keyturn.ledger.kind", "stringValue", kind)})},
  });
}

}  // namespace

Result<std::string> otlp_request(const std::vector<ExportedEntry>& entries) {
  Json records{Json::Array()};
  for (const ExportedEntry& entry : entries) {
    TRY(Json record, record_of(entry));
    records.push_back(std::move(record));
  }
  const Json scope = Json::object({{"name", "keyturn.ledger"}});
  Json logs = Json::object({{"scope", scope}, {"logRecords", std::move(records)}});
  const Json resource = Json::object(
      {{"attributes", Json::array({attribute("service.name", "stringValue", "keyturn")})}});
  Json group =
      Json::object({{"resource", resource}, {"scopeLogs", Json::array({std::move(logs)})}});
  return to_text(Json::object({{"resourceLogs", Json::array({std::move(group)})}}));
}

Result<void> check_otlp_answer(int status, std::string_view body) {
  if (status != 200) {
    return fail(Code::kUnavailable, "the collector answered {}: {}", status, printable(body, 200));
  }
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  const auto answer = parse_strict(body);
  if (!answer) {
    return fail(Code::kUnavailable, "the collector's answer is no JSON: {}", printable(body, 200));
  }
  const Json* partial = answer->find("partialSuccess");
  const Json* rejected = partial == nullptr ? nullptr : partial->find("rejectedLogRecords");
  if (rejected == nullptr) return {};
  // A number, or a string of one.
  const std::string count = rejected->if_string() ? *rejected->if_string() : to_text(*rejected);
  if (count == "0") return {};
  return fail(Code::kUnavailable, "the collector rejected {} entries: {}", printable(count, 20),
              printable(partial->string_or("errorMessage", "without saying why"), 200));
}

std::string otlp_path(std::string_view path) {
  return path.empty() || path == "/" ? "/v1/logs" : std::string(path);
}

}  // namespace keyturn::cli
