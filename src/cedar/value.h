// Cedar values: sixteen bytes, trivially copied, pointing into an arena that outlives them. Sets
// are sorted and without duplicates, records sorted by key, so that equality is one pass.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cedar/text.h"

namespace keyturn::cedar {

struct Entity;

struct Uid {
  const Text* type = nullptr;
  const Text* id = nullptr;
  std::uint64_t hash = 0;
  // Within the entity store `owner`, the entity of this uid, or null if it has none.
  const Entity* entity = nullptr;
  const void* owner = nullptr;
};

inline bool same(const Uid& a, const Uid& b) {
  return &a == &b || (a.hash == b.hash && same(*a.id, *b.id) && same(*a.type, *b.type));
}
int order(const Uid& a, const Uid& b);

// An address with a prefix: sixteen bytes in network order; IPv4 uses the last four.
struct Ip {
  std::uint8_t bytes[16] = {};
  std::uint8_t prefix = 0;
  bool is_v4 = false;
};

enum class Kind : std::uint8_t {
  kBool,
  kLong,
  kString,
  kEntity,
  kSet,
  kRecord,
  kDecimal,   // number / 10^4
  kDatetime,  // milliseconds since 1970
  kDuration,  // milliseconds
  kIp,
};

struct SetValue;
struct RecordValue;

struct Value {
  Kind kind = Kind::kBool;
  union {
    bool boolean = false;
    std::int64_t number;
    const Text* text;
    const Uid* uid;
    const SetValue* set;
    const RecordValue* record;
    const Ip* ip;
  };

  static Value of(bool boolean) {
    Value value;
    value.boolean = boolean;
    return value;
  }
  static Value of(Kind kind, std::int64_t number) {
    Value value;
    value.kind = kind;
    value.number = number;
    return value;
  }
  static Value of(const Text* text) {
    Value value;
    value.kind = Kind::kString;
    value.text = text;
    return value;
  }
  static Value of(const Uid* uid) {
    Value value;
    value.kind = Kind::kEntity;
    value.uid = uid;
    return value;
  }
  static Value of(const SetValue* set) {
    Value value;
    value.kind = Kind::kSet;
    value.set = set;
    return value;
  }
  static Value of(const RecordValue* record) {
    Value value;
    value.kind = Kind::kRecord;
    value.record = record;
    return value;
  }
  static Value of(const Ip* ip) {
    Value value;
    value.kind = Kind::kIp;
    value.ip = ip;
    return value;
  }
};

struct SetValue {
  std::span<const Value> items;
};

struct Field {
  const Text* key = nullptr;
  Value value;
};

struct RecordValue {
  std::span<const Field> fields;
  const Value* find(const Text& key) const;
};

int order(const Value& a, const Value& b);
bool same(const Value& a, const Value& b);

bool contains(const SetValue& set, const Value& value);
// Sorts and removes duplicates in place.
const SetValue* make_set(Arena& arena, std::span<Value> items);
// Sorts in place; keys must be distinct.
const RecordValue* make_record(Arena& arena, std::span<Field> fields);

// As Cedar writes it: `User::"a"`, `[1, 2]`, `ip("10.0.0.0/8")`. For messages; deterministic.
std::string to_text(const Value& value);
std::string to_text(const Uid& uid);
// The kind as messages name it: `long`, `set`, `ipaddr`.
std::string_view kind_name(Kind kind);
// `"` and what it holds, escaped as Cedar does.
std::string quote(std::string_view text);

}  // namespace keyturn::cedar
