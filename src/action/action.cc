#include "action/action.h"

#include <algorithm>

namespace keyturn {
namespace {

constexpr std::size_t kSummaryBytesMax = 200;
// Of the summary; what remains is the resource's name.
constexpr std::size_t kServiceBytesMax = 32;
constexpr std::size_t kOperationBytesMax = 64;

Json text_of(const std::string& text) { return recorded_text(text); }

Json texts_of(const std::vector<std::string>& texts) {
  Json::Array array;
  for (const std::string& text : texts) array.push_back(text_of(text));
  return array;
}

// Safe to show and at most `bytes_max` long, cut between characters.
std::string shown(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kEllipsis = "…";
  // Escapes only lengthen a text: what lies beyond bytes_max cannot be shown anyway.
  std::string whole = printable(text, bytes_max + 1);
  if (whole.size() <= bytes_max) return whole;
  std::size_t end = bytes_max - kEllipsis.size();
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(whole[i]) & 0xC0U) == 0x80U;
  };
  while (end > 0 && continues(end)) --end;
  whole.resize(end);
  return whole += kEllipsis;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return false;
    if (!dash && std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos)
      return false;
  }
  return true;
}

// What a person calls the thing: `cost-explorer-prod` of
// arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/cost-explorer-prod/<uuid>.
std::string_view short_name(std::string_view name) {
  std::string_view rest = name;
  if (!rest.starts_with("arn:")) return name;
  std::string_view service;
  for (int field = 0; field < 5; ++field) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return name;
    if (field == 2) service = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  // Buckets and keys have no type in front.
  const std::size_t type = service == "s3" ? std::string_view::npos : rest.find_first_of("/:");
  if (type != std::string_view::npos && type > 0) rest.remove_prefix(type + 1);
  const std::size_t last = rest.rfind('/');
  if (last != std::string_view::npos && last > 0 && is_uuid(rest.substr(last + 1))) {
    rest = rest.substr(0, last);
  }
  return rest.empty() ? name : rest;
}

}  // namespace

// JSON is UTF-8, but an object key may hold any bytes.
std::string recorded_text(const std::string& text) {
  return is_valid_utf8(text) ? text : printable(text, text.size() * 4);
}

Json to_json(const Resource& resource) {
  Json tags{Json::Object{}};
  for (const auto& [key, value] : resource.tags) {
    const Json shown_key = text_of(key);
    tags.set(*shown_key.if_string(), text_of(value));
  }
  return Json::object({
      {"name", text_of(resource.name)},
      {"type", text_of(resource.type)},
      {"account", text_of(resource.account)},
      {"region", text_of(resource.region)},
      {"tags", std::move(tags)},
      {"environment", text_of(resource.environment)},
      {"tier", to_string(resource.tier)},
  });
}

Json to_json(const Action& action) {
  Json::Array resources;
  for (const Resource& resource : action.resources) resources.push_back(to_json(resource));
  return Json::object({
      {"door", text_of(action.door)},
      {"service", text_of(action.service)},
      {"operation", text_of(action.operation)},
      {"iam_actions", texts_of(action.iam_actions)},
      {"access_level", text_of(action.access_level)},
      {"effect", to_string(action.effect)},
      {"understood", action.understood},
      {"account", text_of(action.account)},
      {"region", text_of(action.region)},
      {"resources", std::move(resources)},
      {"parameters", action.parameters},
      {"attributes", action.attributes},
      {"why", texts_of(action.why)},
      {"digest", action.digest.hex()},
  });
}

Tier strictest_tier(const Action& action) {
  // Nothing named may be anything, and what is not understood is production (invariant 3).
  if (action.resources.empty() || !action.understood) return Tier::kProduction;
  Tier tier = Tier::kDevelopment;
  for (const Resource& resource : action.resources) tier = std::min(tier, resource.tier);
  return tier;
}

std::string summary(const Action& action) {
  const std::string operation =
      action.operation.empty() ? "(not understood)" : shown(action.operation, kOperationBytesMax);
  std::string text = fmt::format("{}:{}", shown(action.service, kServiceBytesMax), operation);
  std::string end = fmt::format(" ({})", to_string(strictest_tier(action)));
  if (action.resources.size() > 1) {
    end.insert(0, fmt::format(" and {} more", action.resources.size() - 1));
  }
  if (!action.resources.empty()) {
    // The strictest one says most about the action.
    const auto strictest =
        std::min_element(action.resources.begin(), action.resources.end(),
                         [](const Resource& a, const Resource& b) { return a.tier < b.tier; });
    text += " on ";
    const std::size_t room_left = kSummaryBytesMax - text.size() - end.size();
    text += shown(short_name(strictest->name), room_left);
  }
  return text + end;
}

}  // namespace keyturn
