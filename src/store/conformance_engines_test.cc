// The one suite, over every engine. In one file, because the suite's tests are defined in headers.
#include "store/conformance_batch_test.h"
#include "store/conformance_test.h"
#include "store/postgres_cluster_test.h"

namespace keyturn::store {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Sqlite, StoreConformance,
    testing::Values(EngineUnderTest{
        "sqlite", [](const std::string& folder, const Clock& clock, Log& log, Metrics& metrics) {
          return open_sqlite({.path = folder + "/keyturn.db"}, clock, log, metrics);
        }}));

// A schema for each test: the folder's name, which is its own.
INSTANTIATE_TEST_SUITE_P(Postgres, StoreConformance,
                         testing::Values(EngineUnderTest{
                             "postgres", [](const std::string& folder, const Clock& clock, Log& log,
                                            Metrics& metrics) {
                               return open_postgres({.url = postgres_cluster().url(),
                                                     .schema = schema_for_folder(folder)},
                                                    clock, log, metrics);
                             }}));

}  // namespace
}  // namespace keyturn::store
