// Counts what deciding asks of the heap. Its own program, since it replaces the global operator
// new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "cedar/cedar.h"

namespace {
std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace keyturn::cedar {
namespace {

constexpr std::size_t kPeople = 40;

// Every kind of scope, and conditions that walk attributes, tags, sets and the hierarchy.
PolicySet policies() {
  std::string text;
  for (std::size_t i = 0; i < kPeople; ++i) {
    text += fmt::format(
        "permit(principal == User::\"u{0}\", action, resource);\n"
        "permit(principal in Group::\"g{0}\", action == Action::\"view\", resource is Doc) when "
        "{{ resource.readers.contains(principal) }};\n"
        "forbid(principal, action in [Action::\"edit\"], resource == Doc::\"d{0}\") unless "
        "{{ principal.hasTag(\"team\") && principal.getTag(\"team\") like \"r*d\" }};\n",
        i);
  }
  text +=
      "permit(principal, action, resource) when { principal.level + 1 > context.floor && "
      "resource has owner && resource.owner in Group::\"g1\" };\n"
      "permit(principal, action, resource) when { context.from.isInRange(ip(\"10.0.0.0/8\")) };\n"
      "forbid(principal, action, resource) when { resource.size.lessThan(decimal(\"0.5\")) };\n"
      "permit(principal, action, resource) when { context.missing == 1 };\n"
      "permit(principal, action, resource) when { [principal, "
      "User::\"u1\"].contains(resource.owner) "
      "};\n";
  return *PolicySet::parse(text);
}

Entities entities() {
  std::string text = "[";
  for (std::size_t i = 0; i < kPeople; ++i) {
    text += fmt::format(
        R"({{"uid":{{"type":"User","id":"u{0}"}},"attrs":{{"level":{0}}},"tags":{{"team":"{2}"}},)"
        R"("parents":[{{"type":"Group","id":"g{1}"}}]}},)"
        R"({{"uid":{{"type":"Doc","id":"d{0}"}},"parents":[],"attrs":{{)"
        R"("readers":[{{"__entity":{{"type":"User","id":"u{1}"}}}}],)"
        R"("owner":{{"__entity":{{"type":"User","id":"u{1}"}}}},)"
        R"("size":{{"__extn":{{"fn":"decimal","arg":"{1}.25"}}}}}}}},)",
        i, i % 5, i % 2 == 0 ? "red" : "blue");
  }
  text.back() = ']';
  return *Entities::parse_json(text);
}

std::vector<PreparedRequest> requests() {
  std::vector<PreparedRequest> made;
  for (std::size_t i = 0; i < kPeople; ++i) {
    for (const char* action : {"view", "edit", "other"}) {
      const Json context = Json::object(
          {{"floor", Json(static_cast<int>(i))},
           {"from",
            Json::object({{"__extn", Json::object({{"fn", "ip"}, {"arg", "10.1.2.3"}})}})}});
      made.push_back(*PreparedRequest::make({{"User", fmt::format("u{}", i)},
                                             {"Action", action},
                                             {"Doc", fmt::format("d{}", (i * 7) % kPeople)},
                                             context}));
    }
  }
  return made;
}

TEST(Allocation, TheCounterSeesAnAllocation) {
  const std::size_t before = allocations.load();
  const std::vector<int> some(1000, 1);
  EXPECT_GT(allocations.load(), before);
  EXPECT_EQ(some.size(), 1000U);
}

TEST(Allocation, DecidingAllocatesNothingOnceItsRoomIsThere) {
  const PolicySet set = policies();
  const Entities store = entities();
  const std::vector<PreparedRequest> prepared = requests();
  Outcome outcome;
  for (const PreparedRequest& request : prepared) decide(set, store, request, outcome);

  std::size_t allowed = 0;
  std::size_t denied = 0;
  std::size_t errors = 0;
  const std::size_t before = allocations.load();
  for (int round = 0; round < 100; ++round) {
    for (const PreparedRequest& request : prepared) {
      decide(set, store, request, outcome);
      ++(outcome.decision == Decision::kAllow ? allowed : denied);
      errors += outcome.errors.size();
    }
  }
  const std::size_t after = allocations.load();
  EXPECT_EQ(after - before, 0U);
  EXPECT_EQ(allowed + denied, 100 * prepared.size());
  EXPECT_GT(allowed, 0U);
  EXPECT_GT(denied, 0U);
  EXPECT_GT(errors, 0U);
}

}  // namespace
}  // namespace keyturn::cedar
