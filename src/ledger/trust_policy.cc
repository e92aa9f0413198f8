#include "ledger/trust_policy.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace keyturn::ledger {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

class Reader {
 public:
  Result<void> read(const std::vector<std::string>& words) {
    if (words[0] == "log") return read_log(words);
    if (words[0] == "witness") return read_witness(words);
    if (words[0] == "group") return read_group(words);
    if (words[0] == "quorum") return read_quorum(words);
    return wrong(fmt::format("`{}` is not log, witness, group or quorum", printable(words[0], 40)));
  }
  Result<TrustPolicy> finish() {
    if (policy_.quorum.empty()) return wrong("there is no `quorum` line");
    return std::move(policy_);
  }

 private:
  static tl::unexpected<Error> wrong(std::string_view why) {
    return fail(Code::kInvalid, "{}", why);
  }

  Result<void> define(const std::string& name) {
    if (name == "none") return wrong("`none` cannot be a name");
    if (in_group_.size() == TrustPolicy::kNamesMax) return wrong("there are too many names");
    if (!in_group_.emplace(name, false).second) {
      return wrong(fmt::format("`{}` is defined twice", printable(name, 100)));
    }
    return {};
  }

  Result<void> read_log(const std::vector<std::string>& words) {
    if (words.size() != 2 && words.size() != 3) return wrong("a log is `log <vkey> [<url>]`");
    TRY(VerifierKey key, VerifierKey::parse(words[1]));
    if (key.type != KeyType::kEd25519) return wrong("a log's key has the type 1");
    if (policy_.logs.size() == TrustPolicy::kNamesMax) return wrong("there are too many logs");
    policy_.logs.push_back({std::move(key), words.size() == 3 ? words[2] : ""});
    return {};
  }

  Result<void> read_witness(const std::vector<std::string>& words) {
    if (words.size() != 3 && words.size() != 4) {
      return wrong("a witness is `witness <name> <vkey> [<url>]`");
    }
    TRY_VOID(define(words[1]));
    TRY(VerifierKey key, VerifierKey::parse(words[2]));
    if (key.type != KeyType::kEd25519Cosignature) return wrong("a witness's key has the type 4");
    for (const TrustPolicy::Witness& other : policy_.witnesses) {
      if (other.key.public_key == key.public_key) {
        return wrong(fmt::format("`{}` and `{}` have one key and would count twice",
                                 printable(other.name, 100), printable(words[1], 100)));
      }
    }
    policy_.witnesses.push_back({words[1], std::move(key), words.size() == 4 ? words[3] : ""});
    return {};
  }

  Result<void> read_group(const std::vector<std::string>& words) {
    if (words.size() < 4) return wrong("a group is `group <name> all|any|<k> <name>...`");
    TrustPolicy::Group group;
    group.name = words[1];
    group.members.assign(words.begin() + 3, words.end());
    if (words[2] == "all") group.needed = group.members.size();
    if (words[2] == "any") group.needed = 1;
    if (group.needed == 0) {
      const char* const end = words[2].data() + words[2].size();
      const auto [stop, error] = std::from_chars(words[2].data(), end, group.needed);
      if (error != std::errc() || stop != end) group.needed = 0;
    }
    if (group.needed == 0 || group.needed > group.members.size()) {
      return wrong("a group needs `all`, `any` or a number from 1 to that of its members");
    }
    for (const std::string& member : group.members) {
      const auto found = in_group_.find(member);
      if (found == in_group_.end()) {
        return wrong(fmt::format("`{}` is not defined before it is used", printable(member, 100)));
      }
      if (std::exchange(found->second, true)) {
        return wrong(fmt::format("`{}` is in two groups", printable(member, 100)));
      }
    }
    TRY_VOID(define(group.name));
    policy_.groups.push_back(std::move(group));
    return {};
  }

  Result<void> read_quorum(const std::vector<std::string>& words) {
    if (words.size() != 2) return wrong("a quorum is `quorum <name>|none`");
    if (!policy_.quorum.empty()) return wrong("there are two `quorum` lines");
    if (words[1] != "none" && !in_group_.contains(words[1])) {
      return wrong(fmt::format("`{}` is not defined before it is used", printable(words[1], 100)));
    }
    policy_.quorum = words[1];
    return {};
  }

  TrustPolicy policy_;
  std::map<std::string, bool, std::less<>> in_group_;  // every name, and whether a group has it
};

}  // namespace

Result<TrustPolicy> TrustPolicy::parse(std::string_view text) {
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    TRY_VOID(context(reader.read(words), fmt::format("line {}", number)));
  }
  return reader.finish();
}

bool TrustPolicy::is_met(const std::set<std::string>& seen) const {
  if (quorum == "none") return true;
  std::set<std::string> met;
  for (const Witness& witness : witnesses) {
    if (seen.contains(witness.name)) met.insert(witness.name);
  }
  // Members are defined before their group, so one pass in order is enough.
  for (const Group& group : groups) {
    const auto count = std::count_if(group.members.begin(), group.members.end(),
                                     [&met](const auto& member) { return met.contains(member); });
    if (static_cast<std::size_t>(count) >= group.needed) met.insert(group.name);
  }
  return met.contains(quorum);
}

Result<std::set<std::string>> find_witnesses(std::string_view note, const TrustPolicy& policy) {
  std::set<std::string> seen;
  TRY(const Note parsed, Note::parse(note));
  for (const TrustPolicy::Witness& witness : policy.witnesses) {
    const auto verified = verify_note(parsed, {witness.key});
    if (verified) seen.insert(witness.name);
    if (!verified && verified.error().code != Code::kDenied) return fail(Error(verified.error()));
  }
  return seen;
}

}  // namespace keyturn::ledger
