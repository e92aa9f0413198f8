# What Keyturn is built on: Debian packages, and one SQLite that `./run setup` builds from a pinned
# amalgamation because Debian's own has the WAL-reset bug.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)

# YAML templates and SQL statements are read with the parsers that the Debian packages libyaml-dev
# and libpg-query-dev hold; linked statically, so that nothing is needed at run time.
find_library(KEYTURN_YAML NAMES libyaml.a REQUIRED)
find_library(KEYTURN_PG_QUERY NAMES libpg_query.a REQUIRED)

set(KEYTURN_SQLITE "" CACHE PATH "Folder with the pinned sqlite3.h and libsqlite3.a")
if(KEYTURN_SQLITE STREQUAL "")
  message(FATAL_ERROR "KEYTURN_SQLITE is not set. Configure through `./run build`, which builds "
                      "the pinned SQLite first.")
endif()
add_library(sqlite3_pinned STATIC IMPORTED GLOBAL)
set_target_properties(sqlite3_pinned PROPERTIES
  IMPORTED_LOCATION ${KEYTURN_SQLITE}/libsqlite3.a
  INTERFACE_INCLUDE_DIRECTORIES ${KEYTURN_SQLITE}
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
