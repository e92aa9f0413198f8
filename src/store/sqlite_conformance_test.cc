#include "store/conformance_batch_test.h"
#include "store/conformance_test.h"

namespace keyturn::store {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Sqlite, StoreConformance,
    testing::Values(EngineUnderTest{
        "sqlite", [](const std::string& folder, const Clock& clock, Log& log, Metrics& metrics) {
          return open_sqlite({.path = folder + "/keyturn.db"}, clock, log, metrics);
        }}));

}  // namespace
}  // namespace keyturn::store
