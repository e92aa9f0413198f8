#include "aws/model.h"

#include <algorithm>
#include <charconv>

#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kMagic = "keyturn-aws-model\t3\t";
constexpr std::size_t kTextBytesMax = 64U << 20U;  // thirty times today's
constexpr std::size_t kCellsMax = 16;              // of an operation

// The cells of a line; more than `cells` has room for is no line of ours.
std::size_t split_cells(std::string_view line, std::array<std::string_view, kCellsMax>& cells) {
  std::size_t count = 0;
  while (true) {
    const std::size_t tab = line.find('\t');
    if (count == cells.size()) return count + 1;
    cells[count++] = line.substr(0, tab);
    if (tab == std::string_view::npos) return count;
    line.remove_prefix(tab + 1);
  }
}

std::optional<Effect> effect_of(std::string_view letter) {
  switch (letter.empty() ? '\0' : letter.front()) {
    case 'o':
      return Effect::kObserve;
    case 'r':
      return Effect::kReveal;
    case 'c':
      return Effect::kChange;
    case 'd':
      return Effect::kDestroy;
    case 'g':
      return Effect::kGrant;
    default:
      return std::nullopt;
  }
}

std::string_view path_of(std::string_view uri) { return uri.substr(0, uri.find('?')); }

}  // namespace

class ModelReader {
 public:
  using Cells = std::array<std::string_view, kCellsMax>;

  static Result<std::shared_ptr<const Model>> read(std::string text) {
    if (text.size() > kTextBytesMax) {
      return fail(Code::kCorrupt, "the aws model has {} bytes; at most {} are read", text.size(),
                  kTextBytesMax);
    }
    auto model = std::shared_ptr<Model>(std::make_shared<Enabled>());
    model->text_ = std::move(text);
    model->digest_ = crypto::sha256(model->text_);
    ModelReader reader(*model);
    std::size_t number = 0;
    std::string_view rest = model->text_;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      ++number;
      if (!reader.line(rest.substr(0, end), number)) {
        return fail(Code::kCorrupt, "line {} of the aws model is not understood; generate it anew",
                    number);
      }
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (model->operations_.empty()) return fail(Code::kCorrupt, "the aws model is empty");
    return model;
  }

 private:
  struct Enabled : Model {};
  explicit ModelReader(Model& model) : model_(model) {}

  bool line(std::string_view text, std::size_t number) {
    if (number == 1) return title(text);
    const std::size_t count = split_cells(text, cells_);
    if (cells_[0].size() != 1) return false;
    switch (cells_[0].front()) {
      case 'P':
        if (count == 3) model_.partitions_.emplace_back(cells_[1], cells_[2]);
        return count == 3;
      case 'T':
        return count == 5 && type();
      case 'A':
        if (count == 3) model_.templates_.push_back({cells_[1], cells_[2]});
        return count == 3;
      case 'W':
        if (count == 2) model_.reasons_.push_back(cells_[1]);
        return count == 2;
      case 'M':
        return count == 8 && modifier();
      case 'S':
        return count == 8 && service();
      case 'H':
        return count == 5 && host();
      case 'O':
        return count == 16 && operation();
      default:
        return false;
    }
  }

  bool title(std::string_view text) {
    if (!text.starts_with(kMagic)) return false;
    text.remove_prefix(kMagic.size());
    std::string sources(text);
    const std::size_t tab = sources.find('\t');
    if (tab != std::string::npos) sources.replace(tab, 1, ", ");
    model_.description_ = fmt::format("{}, sha256:{}", sources, model_.digest_.hex());
    // A guess that saves most of the growing.
    model_.operations_.reserve(model_.text_.size() / 100);
    return true;
  }

  bool type() {
    if (!model_.types_.empty() && model_.types_.back().name >= cells_[1]) return false;
    model_.types_.push_back({.name = cells_[1],
                             .replaces = cells_[2],
                             .may_replace = cells_[3],
                             .stateful = cells_[4].find('s') != std::string_view::npos,
                             .grants = cells_[4].find('g') != std::string_view::npos});
    return true;
  }

  bool modifier() {
    model_.modifiers_.push_back(
        {cells_[1], cells_[2], cells_[3], cells_[4], cells_[5], cells_[6], cells_[7]});
    return true;
  }

  bool service() {
    Service service;
    service.name = cells_[1];
    service.scopes = cells_[2];
    service.api_version = cells_[3];
    service.protocols = cells_[4];
    service.target_prefix = cells_[5];
    service.json_version = cells_[6];
    service.iam_prefix = cells_[7];
    const auto index = static_cast<std::uint32_t>(model_.services_.size());
    service.operations_begin = static_cast<std::uint32_t>(model_.operations_.size());
    service.operations_end = service.operations_begin;
    for_each_piece(service.scopes, ',', [&](std::string_view scope) {
      auto& among = model_.by_scope_[scope];
      // A service of the scope's own name is what is meant when nothing tells them apart.
      among.insert(scope == service.name ? among.begin() : among.end(), index);
    });
    const bool fresh = model_.by_name_.emplace(service.name, index).second;
    model_.services_.push_back(std::move(service));
    return fresh;
  }

  bool host() {
    if (model_.services_.empty()) return false;
    model_.services_.back().hosts.push_back({cells_[1], cells_[2], cells_[3], cells_[4]});
    return true;
  }

  bool operation() {
    const std::optional<Effect> effect = effect_of(cells_[10]);
    if (model_.services_.empty() || !effect) return false;
    Service& service = model_.services_.back();
    const auto index = static_cast<std::uint32_t>(model_.operations_.size());
    if (index > service.operations_begin && model_.operations_.back().name >= cells_[1]) {
      return false;  // find_operation() searches a sorted list
    }
    Operation operation;
    operation.service = static_cast<std::uint32_t>(model_.services_.size() - 1);
    operation.name = cells_[1];
    operation.method = cells_[2];
    operation.uri = cells_[3];
    operation.places = cells_[4];
    operation.host_prefix = cells_[5];
    operation.flags = cells_[6];
    operation.tokens = cells_[7];
    operation.iam_actions = cells_[8];
    operation.level = cells_[9];
    operation.effect = *effect;
    operation.reversible = !cells_[10].ends_with('!');
    operation.bindings = cells_[11];
    operation.secrets = cells_[12];
    operation.modifiers = cells_[13];
    operation.why = cells_[14];
    operation.body_names = cells_[15];
    service.operations_end = index + 1;
    model_.operations_.push_back(operation);
    return operation.uri.empty() ||
           service.routes.add(operation.method, path_of(operation.uri), index);
  }

  Model& model_;
  Cells cells_;
};

Result<std::shared_ptr<const Model>> Model::load(std::string text) {
  return ModelReader::read(std::move(text));
}

std::span<const std::uint32_t> Model::find_scope(std::string_view scope) const {
  const auto found = by_scope_.find(scope);
  if (found == by_scope_.end()) return {};
  return found->second;
}

const Service* Model::find_service(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &services_[found->second];
}

const Operation* Model::find_operation(const Service& service, std::string_view name) const {
  const auto begin = operations_.begin() + service.operations_begin;
  const auto end = operations_.begin() + service.operations_end;
  const auto found = std::lower_bound(
      begin, end, name, [](const Operation& a, std::string_view key) { return a.name < key; });
  return found != end && found->name == name ? &*found : nullptr;
}

const ArnTemplate* Model::template_at(std::size_t index) const {
  return index < templates_.size() ? &templates_[index] : nullptr;
}

const ResourceType* Model::find_type(std::string_view name) const {
  const auto found = std::lower_bound(
      types_.begin(), types_.end(), name,
      [](const ResourceType& type, std::string_view wanted) { return type.name < wanted; });
  return found == types_.end() || found->name != name ? nullptr : &*found;
}

const Modifier* Model::modifier_at(std::size_t index) const {
  return index < modifiers_.size() ? &modifiers_[index] : nullptr;
}

std::string Model::reason(const Operation& operation) const {
  const std::string_view effect = to_string(operation.effect);
  if (operation.why == "=l") {
    return fmt::format("its access level `{}` makes it {}", operation.level, effect);
  }
  if (operation.why == "=s") return fmt::format("its answer holds secrets: {}", effect);
  if (operation.why == "=v") return fmt::format("the verb of its name makes it {}", effect);
  std::size_t index = reasons_.size();
  const char* const end = operation.why.data() + operation.why.size();
  std::from_chars(operation.why.data(), end, index);
  if (index >= reasons_.size()) return fmt::format("the model says {}", effect);
  return fmt::format("reviewed as {}: {}", effect, reasons_[index]);
}

std::optional<std::string_view> Model::partition_of(std::string_view region) const {
  std::optional<std::string_view> partition;
  std::size_t longest = 0;
  for (const auto& [name, prefixes] : partitions_) {
    for_each_piece(prefixes, ',', [&](std::string_view prefix) {
      if (prefix.size() > longest && region.starts_with(prefix)) {
        longest = prefix.size();
        partition = name;
      }
    });
  }
  return partition;
}

}  // namespace keyturn::aws
