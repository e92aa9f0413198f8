#include "aws/effect.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "aws/parameters.h"

namespace keyturn::aws {
namespace {

std::optional<double> number_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789.-") != text.npos) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

// Whether a modifier's test holds for any of the values.
bool holds(std::string_view test, const std::vector<const Json*>& values) {
  if (test == "present") return !values.empty();
  if (test == "absent") return values.empty();
  if (test == "always") return true;
  return std::any_of(values.begin(), values.end(), [&](const Json* value) {
    const std::optional<std::string> text = text_of(*value);
    if (!text) return false;
    if (test.starts_with('=')) return equal_ignoring_case(*text, test.substr(1));
    if (test.starts_with("!=")) return !equal_ignoring_case(*text, test.substr(2));
    if (!test.starts_with('<')) return false;
    const std::optional<double> number = number_of(*text);
    return number && *number < number_of(std::string(test.substr(1))).value_or(0);
  });
}

void raise(Judged& judged, Effect effect, std::string why) {
  if (stricter(judged.effect, effect) != judged.effect) {
    judged.effect = effect;
    if (effect == Effect::kDestroy) judged.reversible = false;
  }
  judged.why.push_back(std::move(why));
}

void apply(Judged& judged, const Modifier& modifier, const Input& input) {
  const auto values = input.at(modifier.path);
  if (!holds(modifier.test, values)) return;
  if (!modifier.attribute.empty()) judged.attributes.set(modifier.attribute, true);
  if (modifier.reversible == "yes") judged.reversible = true;
  if (modifier.reversible == "no") judged.reversible = false;
  if (modifier.effect.empty()) {
    judged.why.emplace_back(modifier.why);
    return;
  }
  const auto effect = parse_effect(modifier.effect);
  if (!effect) return raise(judged, Effect::kDestroy, "the model's modifier has no known effect");
  if (modifier.direction == "is") {
    judged.effect = *effect;
    judged.why.emplace_back(modifier.why);
  } else {
    raise(judged, *effect, std::string(modifier.why));
  }
}

// What DynamoDB and SQS call by many names: a container is as strict as the strictest inside.
void look_inside(Judged& judged, std::string_view service, std::string_view name,
                 const Input& input) {
  if (service != "dynamodb") return;
  if (name == "BatchWriteItem" || name == "TransactWriteItems") {
    const bool batch = name == "BatchWriteItem";
    const auto deletes = input.at(batch ? "b.RequestItems{}" : "b.TransactItems[].Delete");
    bool destroys = !batch && !deletes.empty();
    for (const Json* table : deletes) {
      destroys = destroys || !values_at(*table, "[].DeleteRequest").empty();
    }
    judged.effect = Effect::kChange;
    judged.reversible = true;
    if (destroys) raise(judged, Effect::kDestroy, "it deletes items");
    if (!destroys) judged.why.emplace_back("it only writes items");
    return;
  }
  const std::string_view path = name == "ExecuteStatement"        ? "b.Statement"
                                : name == "BatchExecuteStatement" ? "b.Statements[].Statement"
                                : name == "ExecuteTransaction" ? "b.TransactStatements[].Statement"
                                                               : "";
  if (path.empty()) return;
  const auto statements = input.at(path);
  Effect strictest = statements.empty() ? Effect::kDestroy : Effect::kObserve;
  for (const Json* statement : statements) {
    const auto* text = statement->if_string();
    strictest = stricter(strictest, text != nullptr ? effect_of_partiql(*text) : Effect::kDestroy);
  }
  judged.effect = strictest;
  judged.reversible = strictest != Effect::kDestroy;
  judged.why.push_back(fmt::format("its statements {}", to_string(strictest)));
}

}  // namespace

Effect effect_of_partiql(std::string_view statement) {
  // A comment could hide the first word from one reader and not from another.
  const std::size_t begin = statement.find_first_not_of(" \t\r\n");
  if (begin == statement.npos) return Effect::kDestroy;
  statement.remove_prefix(begin);
  const std::size_t end =
      statement.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  const std::string word = to_lower(statement.substr(0, end));
  if (word == "select") return Effect::kObserve;
  if (word == "insert" || word == "update") return Effect::kChange;
  return Effect::kDestroy;
}

Judged judge_effect(const Model& model, const Operation& operation, const Input& input) {
  Judged judged{.effect = operation.effect,
                .reversible = operation.reversible,
                .why = {model.reason(operation)}};
  if (operation.has(Trait::kCredentialExit)) judged.attributes.set("credential_exit", true);
  if (operation.has(Trait::kContainer)) {
    look_inside(judged, model.service_of(operation).name, operation.name, input);
  }
  // Those that lower come first, so that nothing else is lost by them.
  for (const bool lowering : {true, false}) {
    for_each_piece(operation.modifiers, ',', [&](std::string_view text) {
      std::size_t index = SIZE_MAX;
      std::from_chars(text.data(), text.data() + text.size(), index);
      const Modifier* modifier = model.modifier_at(index);
      if (modifier == nullptr) return raise(judged, Effect::kDestroy, "the model is inconsistent");
      if ((modifier->direction == "is") == lowering) apply(judged, *modifier, input);
    });
  }
  return judged;
}

}  // namespace keyturn::aws
