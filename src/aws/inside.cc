#include "aws/inside.h"

#include "aws/deployed.h"
#include "aws/parameters.h"
#include "aws/partiql.h"
#include "aws/sql_effect.h"

namespace keyturn::aws {
namespace {

void raise(Inside& inside, Effect effect, std::string why) {
  if (stricter(inside.effect, effect) == inside.effect && !inside.why.empty()) return;
  inside.effect = stricter(inside.effect, effect);
  inside.why = {std::move(why)};
}

Inside batch_of_items(const Operation& operation, const Input& input) {
  const bool batch = operation.name == "BatchWriteItem";
  const auto deletes = input.at(batch ? "b.RequestItems{}" : "b.TransactItems[].Delete");
  bool destroys = !batch && !deletes.empty();
  for (const Json* table : deletes) {
    destroys = destroys || !values_at(*table, "[].DeleteRequest").empty();
  }
  if (destroys) return {Effect::kDestroy, {"it deletes items"}};
  return {Effect::kChange, {"it only writes items"}};
}

Inside partiql(const std::vector<const std::string*>& statements) {
  Effect strictest = statements.empty() ? Effect::kDestroy : Effect::kObserve;
  for (const std::string* text : statements) {
    strictest = stricter(strictest, text != nullptr ? effect_of_partiql(*text) : Effect::kDestroy);
  }
  return {strictest, {fmt::format("its statements {}", to_string(strictest))}};
}

// Of the Data APIs of RDS and Redshift, and of Athena, whose dialect is trusted for reads only.
Inside sql(std::string_view service, std::string_view path, const Input& input) {
  const auto statements = input.at(path);
  Inside inside{.effect = Effect::kObserve};
  for (const Json* statement : statements) {
    const auto* text = statement->if_string();
    SqlEffect found = text == nullptr ? SqlEffect{Effect::kDestroy, "a statement is no text"}
                                      : effect_of_sql(*text);
    if (service == "athena" && found.effect != Effect::kObserve) found.effect = Effect::kDestroy;
    raise(inside, found.effect, "its SQL: " + found.why);
  }
  if (statements.empty()) return {Effect::kDestroy, {"it carries no statement"}};
  return inside;
}

void list_made(Inside& inside, const TemplateDiff& diff) {
  for (const TemplateChange& change : diff.changes) {
    if (change.change != ResourceChange::kAdded || change.name.empty()) continue;
    inside.made.push_back({change.type, change.name});
  }
}

void describe(Inside& inside, const TemplateDiff& diff) {
  Json::Array stateful;
  Json::Array grants;
  for (const TemplateChange& change : diff.changes) {
    const Json text(
        fmt::format("{} ({})", printable(change.logical_id, 64), printable(change.type, 64)));
    if (change.stateful) stateful.push_back(text);
    if (change.grants) grants.push_back(text);
    inside.roles.insert(inside.roles.end(), change.roles.begin(), change.roles.end());
  }
  inside.attributes.set("template_resources", static_cast<std::int64_t>(diff.changes.size()));
  inside.attributes.set("template_stateful", Json(std::move(stateful)));
  inside.attributes.set("template_grants", Json(std::move(grants)));
  list_made(inside, diff);
}

// An update of what is deployed, resource by resource.
Inside update(const TemplateDiff& diff) {
  Inside inside{.effect = stricter(Effect::kChange, diff.effect)};
  Json::Array changes;
  for (const TemplateChange& change : diff.changes) {
    std::string text =
        fmt::format("{} ({}) {}: {}", printable(change.logical_id, 64), printable(change.type, 64),
                    to_string(change.change), change.why);
    if (effect_of(change) == inside.effect) inside.why.push_back(text);
    changes.emplace_back(std::move(text));
  }
  if (changes.empty()) inside.why.emplace_back("it changes no resource of the deployed template");
  for (const std::string& why : diff.why) inside.why.push_back(why);
  Json::Array pairs;
  for (const Recreation& pair : find_recreations(diff)) {
    pairs.emplace_back(fmt::format("{} ({}) is deleted and made again as {}",
                                   printable(pair.destroyed, 64), printable(pair.type, 64),
                                   printable(pair.created, 64)));
  }
  for (const TemplateChange& change : diff.changes) {
    inside.roles.insert(inside.roles.end(), change.roles.begin(), change.roles.end());
  }
  inside.attributes.set("template_changes", Json(std::move(changes)));
  list_made(inside, diff);
  if (!pairs.empty()) inside.attributes.set("recreate", Json(std::move(pairs)));
  return inside;
}

// A stack's first template shows all it makes. Of an update only the new one is in the request:
// what it removes or replaces cannot be excluded.
Inside stack(const Model& model, const Operation& operation, const Input& input,
             const Deployed* deployed) {
  if (deployed != nullptr && deployed->change_set) return update(*deployed->change_set);
  if (operation.name == "ExecuteChangeSet") {
    return {Effect::kDestroy, {"what it does stands in the change set, not in the request"}};
  }
  if (deployed != nullptr && deployed->stack) {
    if (const auto diff = update_diff(model, input, *deployed->stack)) return update(*diff);
  }
  const auto bodies = input.at("b.TemplateBody");
  const auto* text = bodies.size() == 1 ? bodies.front()->if_string() : nullptr;
  const bool creates = operation.name == "CreateStack";
  Inside inside{.effect = creates ? Effect::kChange : Effect::kDestroy};
  inside.why = {creates ? "it makes the resources of its template"
                        : "what an update removes or replaces is not in the request"};
  if (text == nullptr) {
    inside.attributes.set("template_unseen", true);
    if (creates) raise(inside, Effect::kGrant, "its template is not in the request");
    return inside;
  }
  auto body = parse_template(*text);
  if (!body) {
    inside.attributes.set("template_unseen", true);
    raise(inside, Effect::kGrant, "its template cannot be read: " + body.error().message);
    return inside;
  }
  const TemplateDiff diff = template_creation(model, {.body = std::move(*body)});
  describe(inside, diff);
  for (const TemplateChange& change : diff.changes) {
    if (!change.grants) continue;
    raise(inside, Effect::kGrant,
          fmt::format("its template holds {}, which decides who may do what",
                      printable(change.type, 64)));
  }
  if (!diff.why.empty()) raise(inside, creates ? diff.effect : Effect::kDestroy, diff.why.front());
  return inside;
}

Inside cloud_control(const Model& model, const Operation& operation, const Input& input) {
  const auto names = input.at("b.TypeName");
  const auto* name = names.size() == 1 ? names.front()->if_string() : nullptr;
  const ResourceType* type = name == nullptr ? nullptr : model.find_type(*name);
  const bool deletes = operation.name == "DeleteResource";
  Inside inside{.effect = deletes ? Effect::kDestroy : Effect::kChange};
  inside.why = {deletes ? "it deletes the resource" : "it makes or alters a resource"};
  if (operation.name == "CreateResource") {
    if (auto made = made_by_cloud_control(operation.name, input)) {
      inside.made.push_back(std::move(*made));
    }
  }
  if (type == nullptr) {
    raise(inside, Effect::kDestroy, "its type is not known");
  } else {
    inside.attributes.set("stateful", type->stateful);
    if (type->grants) raise(inside, Effect::kGrant, "its type decides who may do what");
  }
  return inside;
}

}  // namespace

std::optional<Inside> look_inside(const Model& model, const Operation& operation,
                                  const Input& input, const Deployed* deployed) {
  if (!operation.has(Trait::kContainer)) return std::nullopt;
  const std::string_view service = model.service_of(operation).name;
  const std::string_view name = operation.name;
  if (service == "dynamodb") {
    const auto statements = partiql_of(name, input);
    return statements ? partiql(*statements) : batch_of_items(operation, input);
  }
  if (service == "rds-data") {
    return sql(service, name == "ExecuteSql" ? "b.sqlStatements" : "b.sql", input);
  }
  if (service == "redshift-data") {
    return sql(service, name == "BatchExecuteStatement" ? "b.Sqls[]" : "b.Sql", input);
  }
  if (service == "athena") return sql(service, "b.QueryString", input);
  if (service == "cloudformation") return stack(model, operation, input, deployed);
  if (service == "cloudcontrol") return cloud_control(model, operation, input);
  return Inside{.why = {"what is inside is not known"}};
}

}  // namespace keyturn::aws
