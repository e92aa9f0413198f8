#include "sim/checks.h"

namespace keyturn::sim {
namespace {

constexpr std::size_t kPage = 1'000;

// What the gateway itself asks, to know the world; it records none of it.
bool is_own_question(const std::string& operation) {
  return operation == "GetResources" || operation == "DescribeStacks";
}

// Tables whose name says production: nothing is done to them without reviewers.
bool is_guarded(const std::string& operation, const std::string& table) {
  return table.starts_with("prod-") && operation != "DescribeTable";
}

std::string table_of(const Json& action) {
  const Json* resources = action.find("resources");
  if (resources == nullptr || resources->if_array() == nullptr || resources->if_array()->empty()) {
    return {};
  }
  const std::string name = resources->if_array()->front().string_or("name", "");
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(slash + 1);
}

Digest hash_leaf(std::string_view text) {
  return crypto::sha256(std::string(1, '\0') + std::string(text));
}

Digest hash_node(const Digest& left, const Digest& right) {
  return crypto::sha256("\x01" + std::string(left.view()) + std::string(right.view()));
}

}  // namespace

void Checks::fault(std::string what) {
  trace_.add("CHECK", what);
  if (faults_.size() < kFaultsMax) faults_.push_back(std::move(what));
}

void Checks::look(app::Rooms& rooms) {
  const auto head = rooms.core().ledger->head();
  if (!head || head->size <= leaves_.size()) return;
  while (leaves_.size() < head->size) {
    const auto entries = rooms.core().ledger->read(leaves_.size(), kPage);
    if (!entries && entries.error().code == Code::kCorrupt) return fault(entries.error().message);
    if (!entries) return;  // a disk that fails now and then: next time
    if (entries->empty()) return fault("the ledger is shorter than its head says");
    for (const ledger::Entry& entry : *entries) take(entry);
  }
  check_head(*head);
}

// RFC 6962 section 2.1, from the leaves alone.
void Checks::check_head(const ledger::Head& head) {
  if (head.size != leaves_.size()) return;  // appended meanwhile
  if (edge_.empty()) return;
  Digest root = edge_.back().second;
  for (auto it = std::next(edge_.rbegin()); it != edge_.rend(); ++it) {
    root = hash_node(it->second, root);
  }
  if (root != head.root) fault(fmt::format("the root over {} entries is wrong", head.size));
}

void Checks::take(const ledger::Entry& entry) {
  if (entry.index != leaves_.size()) {
    fault(fmt::format("entry {} stands where {} belongs", entry.index, leaves_.size()));
  }
  const Digest leaf = hash_leaf(entry.text);
  if (leaf != entry.leaf) fault(fmt::format("the leaf of entry {} is not its hash", entry.index));
  leaves_.push_back(leaf);
  edge_.emplace_back(1, leaf);
  while (edge_.size() > 1 && edge_[edge_.size() - 2].first == edge_.back().first) {
    const Digest joined = hash_node(edge_[edge_.size() - 2].second, edge_.back().second);
    const std::uint64_t size = 2 * edge_.back().first;
    edge_.resize(edge_.size() - 2);
    edge_.emplace_back(size, joined);
  }
  const auto whole = parse_strict(entry.text);
  const Json* body = whole ? whole->find("body") : nullptr;
  if (body == nullptr) return fault(fmt::format("entry {} has no body", entry.index));
  trace_.add("ledger", fmt::format("{} {}", entry.index, entry.kind));
  if (entry.kind == "action.decided") take_decision(entry.index, *body);
  if (entry.kind == "action.outcome") take_outcome(*body);
  if (entry.kind == "review.given") take_review(*body);
  if (entry.kind == "grant.issued") take_grant(*body);
  if (entry.kind == "grant.used") take_use(*body);
  if (entry.kind == "change.expired" || entry.kind == "change.void" || entry.kind == "grant.void") {
    end_change(*body);
  }
  if (entry.kind == "change.opened") {
    changes_[body->string_or("change", "")] = {
        .owner = body->string_or("owner", ""),
        .starter = body->string_or("starter", ""),
        .approvals_needed = body->get_integer("approvals_needed").value_or(0)};
  }
}

void Checks::take_decision(std::uint64_t index, const Json& body) {
  const Json* action = body.find("action");
  if (body.string_or("verdict", "") != "allow" || action == nullptr) return;
  const Subject subject{action->string_or("operation", ""), table_of(*action)};
  ++allowed_[subject];
  unfinished_.insert(index);
  const bool granted = body.find("grant") != nullptr && !body.find("grant")->is_null();
  if (granted) ++granted_[subject];
  if (is_guarded(subject.first, subject.second) && !granted) {
    fault(
        fmt::format("entry {} allows {} {} without a grant", index, subject.first, subject.second));
  }
}

void Checks::take_outcome(const Json& body) {
  const auto decided = body.get_integer("decided");
  if (decided && unfinished_.erase(static_cast<std::uint64_t>(*decided)) == 1) return;
  fault(fmt::format("an outcome of entry {}, which was not allowed or has one already",
                    decided.value_or(-1)));
}

void Checks::take_review(const Json& body) {
  ChangeSeen& change = changes_[body.string_or("change", "")];
  const std::string person = body.string_or("person", "");
  if (person == change.owner || person == change.starter) {
    fault(fmt::format("`{}` reviewed a change of their own agent", person));
  }
  if (body.string_or("answer", "") != "approve") {
    change.rejected = true;
    change.ended = true;
  } else if (!change.approved_by.insert(person).second) {
    fault(fmt::format("`{}` approved one change twice", person));
  }
}

void Checks::take_grant(const Json& body) {
  const std::string id = body.string_or("grant", "");
  const std::string change = body.string_or("change", "");
  if (!grants_.emplace(id, change).second) fault(fmt::format("the grant {} was issued twice", id));
  const ChangeSeen& seen = changes_[change];
  if (seen.rejected || static_cast<std::int64_t>(seen.approved_by.size()) < seen.approvals_needed) {
    fault(fmt::format("{} has a grant after {} of {} approvals", change, seen.approved_by.size(),
                      seen.approvals_needed));
  }
}

void Checks::take_use(const Json& body) {
  const std::string id = body.string_or("grant", "");
  if (!grants_.contains(id)) fault(fmt::format("the grant {} was used and never issued", id));
  if (!grants_used_.insert(id).second) fault(fmt::format("the grant {} was used twice", id));
  end_change(body);
}

void Checks::end_change(const Json& body) { changes_[body.string_or("change", "")].ended = true; }

void Checks::upstream_called(app::Rooms& rooms, const UpstreamCall& call) {
  if (is_own_question(call.operation)) return;
  ++calls_made_;
  look(rooms);
  const Subject subject{call.operation, call.table};
  const std::uint64_t calls = ++calls_[subject];
  if (calls > allowed_[subject]) {
    fault(
        fmt::format("{} {} reached upstream {} times, and {} decisions that allow it are recorded",
                    call.operation, call.table, calls, allowed_[subject]));
  }
  if (call.executed) ++executed_[subject];
  if (call.operation != "DescribeTable" && executed_[subject] > signed_[subject]) {
    fault(fmt::format("{} {} was carried out {} times and was signed {} times", call.operation,
                      call.table, executed_[subject], signed_[subject]));
  }
  if (is_guarded(call.operation, call.table) && calls > granted_[subject]) {
    fault(fmt::format("{} {} reached upstream {} times on {} grants", call.operation, call.table,
                      calls, granted_[subject]));
  }
}

// What the ledger does not hold any more is not known any more either.
void Checks::forget() {
  leaves_.clear();
  edge_.clear();
  allowed_.clear();
  granted_.clear();
  unfinished_.clear();
  changes_.clear();
  grants_.clear();
  grants_used_.clear();
}

void Checks::restarted(app::Rooms& rooms) {
  const auto verified = rooms.core().ledger->verify();
  if (!verified) return fault(fmt::format("the ledger: {}", verified.error().message));
  const std::vector<Digest> before = leaves_;
  forget();
  look(rooms);
  if (leaves_.size() < must_keep_) {
    fault(fmt::format("{} entries were published, and {} are left", must_keep_, leaves_.size()));
  }
  must_keep_ = 0;
  if (!may_lose_) {
    const std::size_t common = std::min(before.size(), leaves_.size());
    if (common < before.size()) {
      fault(fmt::format("{} entries were committed, and {} are left", before.size(), common));
    }
    for (std::size_t i = 0; i < common; ++i) {
      if (before[i] != leaves_[i]) return fault(fmt::format("entry {} is another one now", i));
    }
  }
  for (const auto& [subject, calls] : calls_) {
    if (calls <= allowed_[subject] || may_lose_) continue;
    fault(fmt::format("{} {} reached upstream {} times, and {} decisions that allow it are left",
                      subject.first, subject.second, calls, allowed_[subject]));
  }
}

void Checks::ended(app::Rooms& rooms) {
  look(rooms);
  if (const auto head = rooms.core().ledger->head()) {
    trace_.add("ledger", fmt::format("{} entries, root {}", head->size, head->root.hex()));
  }
  for (const std::uint64_t index : unfinished_) {
    fault(fmt::format("entry {} allowed an action that never got an outcome", index));
  }
  for (const auto& [id, change] : changes_) {
    if (!change.ended) fault(fmt::format("{} never ended", id));
  }
}

}  // namespace keyturn::sim
