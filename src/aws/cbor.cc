#include "aws/cbor.h"

#include <bit>
#include <cmath>
#include <set>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr unsigned kIndefinite = 31;
constexpr std::uint64_t kEpochTag = 1;  // smithy: timestamps
constexpr std::uint64_t kBignumTags[] = {2, 3};

enum Major : unsigned { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

struct Head {
  unsigned major = 0;
  unsigned info = 0;
  std::uint64_t argument = 0;
  bool indefinite = false;
};

void write_head(std::string& out, unsigned major, std::uint64_t argument) {
  const auto first = static_cast<unsigned char>(major << 5U);
  const auto put = [&](unsigned info, int bytes) {
    out += static_cast<char>(first | info);
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
      out += static_cast<char>((argument >> static_cast<unsigned>(shift)) & 0xffU);
    }
  };
  if (argument < 24) {
    out += static_cast<char>(first | argument);
  } else if (argument <= 0xff) {
    put(24, 1);
  } else if (argument <= 0xffff) {
    put(25, 2);
  } else if (argument <= 0xffffffff) {
    put(26, 4);
  } else {
    put(27, 8);
  }
}

double half_to_double(std::uint64_t bits) {
  const int exponent = static_cast<int>((bits >> 10U) & 0x1fU);
  const auto mantissa = static_cast<double>(bits & 0x3ffU);
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else if (exponent == 31) {
    value = mantissa == 0 ? HUGE_VAL : std::nan("");
  } else {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return (bits & 0x8000U) != 0 ? -value : value;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  Result<Cbor> whole() {
    Cbor out;
    TRY(out.value, value(out.encoded, 0));
    if (!rest_.empty()) return fail(Code::kInvalid, "bytes follow the CBOR value");
    return out;
  }

 private:
  Result<Head> head() {
    if (rest_.empty()) return fail(Code::kInvalid, "the CBOR ends too early");
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    Head head;
    head.major = first >> 5U;
    head.info = first & 0x1fU;
    if (head.info < 24) {
      head.argument = head.info;
    } else if (head.info < 28) {
      const std::size_t bytes = std::size_t{1} << (head.info - 24);
      if (rest_.size() < bytes) return fail(Code::kInvalid, "the CBOR ends too early");
      for (std::size_t i = 0; i < bytes; ++i) {
        head.argument = (head.argument << 8U) | static_cast<unsigned char>(rest_[i]);
      }
      rest_.remove_prefix(bytes);
    } else if (head.info == kIndefinite) {
      head.indefinite = true;
    } else {
      return fail(Code::kInvalid, "the CBOR holds a reserved form");
    }
    return head;
  }

  bool at_break() {
    if (rest_.empty() || rest_.front() != static_cast<char>(0xff)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<Json> value(std::string& out, std::size_t depth) {
    if (depth > kCborDepthMax) return fail(Code::kInvalid, "the CBOR is nested too deep");
    TRY(const Head head, this->head());
    switch (head.major) {
      case kUnsigned:
      case kNegative:
        return integer(head, out);
      case kBytes:
      case kText:
        return string(head, out);
      case kArray:
        return array(head, out, depth);
      case kMap:
        return map(head, out, depth);
      case kTag:
        return tagged(head, out, depth);
      default:
        return simple(head, out);
    }
  }

  Result<Json> integer(const Head& head, std::string& out) {
    if (head.indefinite) return fail(Code::kInvalid, "the CBOR holds a reserved form");
    write_head(out, head.major, head.argument);
    if (head.major == kUnsigned) return Json(head.argument);
    if (head.argument > static_cast<std::uint64_t>(INT64_MAX)) {
      return Json(-1.0 - static_cast<double>(head.argument));
    }
    return Json(-1 - static_cast<std::int64_t>(head.argument));
  }

  Result<std::string> raw_string(const Head& head) {
    std::string text;
    const auto take = [&](std::uint64_t size) -> Result<void> {
      if (size > rest_.size()) return fail(Code::kInvalid, "the CBOR ends too early");
      text += rest_.substr(0, size);
      rest_.remove_prefix(size);
      return {};
    };
    if (!head.indefinite) {
      TRY_VOID(take(head.argument));
      return text;
    }
    while (!at_break()) {
      TRY(const Head chunk, this->head());
      if (chunk.major != head.major || chunk.indefinite) {
        return fail(Code::kInvalid, "the CBOR string holds another kind of chunk");
      }
      TRY_VOID(take(chunk.argument));
    }
    return text;
  }

  Result<Json> string(const Head& head, std::string& out) {
    TRY(std::string text, raw_string(head));
    write_head(out, head.major, text.size());
    out += text;
    if (head.major == kBytes) return Json::object({{"$base64", base64_encode(text)}});
    if (!is_valid_utf8(text)) return fail(Code::kInvalid, "the CBOR text is not UTF-8");
    return Json(std::move(text));
  }

  Result<Json> array(const Head& head, std::string& out, std::size_t depth) {
    Json::Array items;
    std::string inner;
    while (head.indefinite ? !at_break() : items.size() < head.argument) {
      TRY(Json item, value(inner, depth + 1));
      items.push_back(std::move(item));
    }
    write_head(out, kArray, items.size());
    out += inner;
    return Json(std::move(items));
  }

  Result<Json> map(const Head& head, std::string& out, std::size_t depth) {
    Json::Object members;
    std::set<std::string, std::less<>> seen;
    std::string inner;
    while (head.indefinite ? !at_break() : members.size() < head.argument) {
      TRY(const Head key_head, this->head());
      if (key_head.major != kText) return fail(Code::kInvalid, "a CBOR map key is no text");
      TRY(Json key, string(key_head, inner));
      if (!seen.insert(*key.if_string()).second) {
        return fail(Code::kInvalid, "the CBOR map key `{}` is repeated",
                    printable(*key.if_string(), 64));
      }
      TRY(Json item, value(inner, depth + 1));
      members.emplace_back(*key.if_string(), std::move(item));
    }
    write_head(out, kMap, members.size());
    out += inner;
    return Json(std::move(members));
  }

  Result<Json> tagged(const Head& head, std::string& out, std::size_t depth) {
    const bool known = head.argument == kEpochTag || head.argument == kBignumTags[0] ||
                       head.argument == kBignumTags[1] || head.argument == 4;
    if (head.indefinite || !known) {
      return fail(Code::kInvalid, "the CBOR holds a tag that AWS does not use");
    }
    write_head(out, kTag, head.argument);
    return value(out, depth + 1);
  }

  Result<Json> simple(const Head& head, std::string& out) {
    double number = 0;
    switch (head.info) {
      case 20:
      case 21:
        write_head(out, kSimple, head.info);
        return Json(head.info == 21);
      case 22:
      case 23:
        write_head(out, kSimple, 22);
        return Json();
      case 25:
        number = half_to_double(head.argument);
        break;
      case 26:
        number = std::bit_cast<float>(static_cast<std::uint32_t>(head.argument));
        break;
      case 27:
        number = std::bit_cast<double>(head.argument);
        break;
      default:
        return fail(Code::kInvalid, "the CBOR holds a simple value that AWS does not use");
    }
    out += static_cast<char>(0xfb);
    const auto bits = std::bit_cast<std::uint64_t>(number);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>((bits >> static_cast<unsigned>(shift)) & 0xffU);
    }
    return std::isfinite(number) ? Json(number) : Json(number > 0 ? "Infinity" : "not finite");
  }

  std::string_view rest_;
};

}  // namespace

Result<Cbor> read_cbor(std::string_view bytes) { return Reader(bytes).whole(); }

}  // namespace keyturn::aws
