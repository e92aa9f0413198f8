// With no fault planned, a faulty store is the store below it: the engines' own suite.
#include "store/conformance_test.h"

#include "faulty/store.h"
#include "store/conformance_batch_test.h"

namespace keyturn::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Faultless, StoreConformance,
                         testing::Values(EngineUnderTest{
                             "faulty",
                             [](const std::string& folder, const Clock& clock, Log& log,
                                Metrics& metrics) -> Result<std::unique_ptr<Store>> {
                               TRY(auto inner, open_sqlite({.path = folder + "/keyturn.db"}, clock,
                                                           log, metrics));
                               return std::make_unique<faulty::Store>(std::move(inner), 1);
                             }}));

}  // namespace
}  // namespace keyturn::store
