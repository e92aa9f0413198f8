#include "cedar/value.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/escape.h"
#include "cedar/extension.h"

namespace keyturn::cedar {
namespace {

// Up to this size a scan over hashes beats a binary search.
constexpr std::size_t kScanMax = 12;

int order_numbers(std::int64_t a, std::int64_t b) { return a == b ? 0 : (a < b ? -1 : 1); }

int order_sets(const SetValue& a, const SetValue& b) {
  if (a.items.size() != b.items.size()) return a.items.size() < b.items.size() ? -1 : 1;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (const int result = order(a.items[i], b.items[i]); result != 0) return result;
  }
  return 0;
}

int order_records(const RecordValue& a, const RecordValue& b) {
  if (a.fields.size() != b.fields.size()) return a.fields.size() < b.fields.size() ? -1 : 1;
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    if (const int result = order(*a.fields[i].key, *b.fields[i].key); result != 0) return result;
    if (const int result = order(a.fields[i].value, b.fields[i].value); result != 0) return result;
  }
  return 0;
}

int order_ips(const Ip& a, const Ip& b) {
  if (a.is_v4 != b.is_v4) return a.is_v4 ? -1 : 1;
  if (a.prefix != b.prefix) return a.prefix < b.prefix ? -1 : 1;
  return std::memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

std::string set_text(const SetValue& set) {
  std::vector<std::string> items;
  for (const Value& item : set.items) items.push_back(to_text(item));
  std::sort(items.begin(), items.end());
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string record_text(const RecordValue& record) {
  std::vector<std::string> items;
  for (const Field& field : record.fields) {
    const std::string_view key = field.key->view();
    items.push_back(fmt::format("{}: {}", is_identifier(key) ? std::string(key) : quote(key),
                                to_text(field.value)));
  }
  std::sort(items.begin(), items.end());
  return fmt::format("{{{}}}", fmt::join(items, ", "));
}

}  // namespace

int order(const Uid& a, const Uid& b) {
  if (&a == &b) return 0;
  if (a.hash != b.hash) return a.hash < b.hash ? -1 : 1;
  const int types = order(*a.type, *b.type);
  return types != 0 ? types : order(*a.id, *b.id);
}

const Value* RecordValue::find(const Text& key) const {
  if (fields.size() <= kScanMax) {
    for (const Field& field : fields) {
      if (field.key->hash == key.hash && same(*field.key, key)) return &field.value;
    }
    return nullptr;
  }
  const auto at = std::lower_bound(
      fields.begin(), fields.end(), key,
      [](const Field& field, const Text& wanted) { return order(*field.key, wanted) < 0; });
  return at != fields.end() && same(*at->key, key) ? &at->value : nullptr;
}

int order(const Value& a, const Value& b) {
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  switch (a.kind) {
    case Kind::kBool:
      return order_numbers(a.boolean ? 1 : 0, b.boolean ? 1 : 0);
    case Kind::kLong:
    case Kind::kDecimal:
    case Kind::kDatetime:
    case Kind::kDuration:
      return order_numbers(a.number, b.number);
    case Kind::kString:
      return order(*a.text, *b.text);
    case Kind::kEntity:
      return order(*a.uid, *b.uid);
    case Kind::kSet:
      return order_sets(*a.set, *b.set);
    case Kind::kRecord:
      return order_records(*a.record, *b.record);
    case Kind::kIp:
      return order_ips(*a.ip, *b.ip);
  }
  return 0;
}

bool same(const Value& a, const Value& b) { return order(a, b) == 0; }

bool contains(const SetValue& set, const Value& value) {
  const auto at = std::lower_bound(
      set.items.begin(), set.items.end(), value,
      [](const Value& item, const Value& wanted) { return order(item, wanted) < 0; });
  return at != set.items.end() && same(*at, value);
}

const SetValue* make_set(Arena& arena, std::span<Value> items) {
  std::sort(items.begin(), items.end(),
            [](const Value& a, const Value& b) { return order(a, b) < 0; });
  const auto end = std::unique(items.begin(), items.end(),
                               [](const Value& a, const Value& b) { return same(a, b); });
  return arena.make(
      SetValue{items.first(static_cast<std::size_t>(std::distance(items.begin(), end)))});
}

const RecordValue* make_record(Arena& arena, std::span<Field> fields) {
  std::sort(fields.begin(), fields.end(),
            [](const Field& a, const Field& b) { return order(*a.key, *b.key) < 0; });
  return arena.make(RecordValue{fields});
}

std::string to_text(const Uid& uid) {
  return fmt::format("{}::{}", uid.type->view(), quote(uid.id->view()));
}

std::string to_text(const Value& value) {
  switch (value.kind) {
    case Kind::kBool:
      return value.boolean ? "true" : "false";
    case Kind::kLong:
      return std::to_string(value.number);
    case Kind::kString:
      return quote(value.text->view());
    case Kind::kEntity:
      return to_text(*value.uid);
    case Kind::kSet:
      return set_text(*value.set);
    case Kind::kRecord:
      return record_text(*value.record);
    case Kind::kDecimal:
      return fmt::format("decimal(\"{}\")", decimal_text(value.number));
    case Kind::kDatetime:
      return fmt::format("(datetime(\"1970-01-01\")).offset(duration(\"{}ms\"))", value.number);
    case Kind::kDuration:
      return fmt::format("duration(\"{}ms\")", value.number);
    case Kind::kIp:
      return fmt::format("ip(\"{}\")", ip_text(*value.ip));
  }
  return {};
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kLong:
      return "long";
    case Kind::kString:
      return "string";
    case Kind::kEntity:
      return "entity";
    case Kind::kSet:
      return "set";
    case Kind::kRecord:
      return "record";
    case Kind::kDecimal:
      return "decimal";
    case Kind::kDatetime:
      return "datetime";
    case Kind::kDuration:
      return "duration";
    case Kind::kIp:
      return "ipaddr";
  }
  return {};
}

}  // namespace keyturn::cedar
