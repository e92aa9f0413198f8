// A PostgreSQL server of the tests' own: a private cluster on a Unix socket, of the version that is
// installed, started once. It stops when the test program ends, however that ends. As root it runs
// as the user `postgres`, because the server refuses root.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "store/temporary_folder_test.h"

namespace keyturn::store {

class PostgresCluster {
 public:
  PostgresCluster() {
    const std::string home = folder_.path();
    if (::getuid() == 0) {
      as_server_ = "runuser -u postgres -- ";
      command(fmt::format("chown postgres {}", home));
    }
    // No sync of the empty cluster; the server itself syncs as in production.
    command(
        fmt::format("cd {2} && {0}{1}/initdb -D {2}/data -U keyturn -A trust -E UTF8 "
                    "--no-locale --no-sync --data-checksums",
                    as_server_, bin(), home));
    start();
    // Reads until this program closes the pipe or dies.
    const std::string stop = fmt::format(
        "cd / && cat && {0}{1}/pg_ctl -m immediate -D {2}/data stop >{2}/stop 2>&1; "
        "rm -rf {2}",
        as_server_, bin(), home);
    guard_ = ::popen(stop.c_str(), "we");
    CHECK(guard_ != nullptr);
  }
  ~PostgresCluster() { ::pclose(guard_); }
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  std::string url(std::string_view user = "keyturn") const {
    return fmt::format("host={} user={} dbname=postgres", folder_.path(), user);
  }

  // Everything that is open is closed by it. `meanwhile` gets the folder of the data.
  void restart(const std::function<void(const std::string&)>& meanwhile) const {
    command(fmt::format("cd / && {0}{1}/pg_ctl -w -m fast -D {2}/data stop", as_server_, bin(),
                        folder_.path()));
    meanwhile(folder_.path() + "/data");
    start();
  }

 private:
  void start() const {
    command(
        fmt::format("cd {2} && {0}{1}/pg_ctl -w -D {2}/data -l {2}/log -o \"-k {2} -c "
                    "listen_addresses=''\" start",
                    as_server_, bin(), folder_.path()));
  }
  static std::string bin() {
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
      return version.path() / "bin";
    }
    return "";
  }
  static void command(const std::string& text) {
    CHECK(std::system(fmt::format("({}) >/dev/null 2>&1", text).c_str()) == 0);
  }

  TemporaryFolder folder_;
  std::string as_server_;  // what a command begins with to be run as the server's user
  FILE* guard_ = nullptr;
};

inline const PostgresCluster& postgres_cluster() {
  static const PostgresCluster kCluster;
  return kCluster;
}

// A name of its own for what a test keeps under a folder of its own.
inline std::string schema_for_folder(std::string_view folder) {
  std::string name = "t";
  for (const char c : folder.substr(folder.size() - std::min<std::size_t>(folder.size(), 20))) {
    // Schemas differ in the case of their letters as folders do, but handles are lower case.
    if (c >= 'A' && c <= 'Z') name += fmt::format("{}0", static_cast<char>(c + ('a' - 'A')));
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) name += c;
  }
  return name;
}

}  // namespace keyturn::store
