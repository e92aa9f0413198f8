// The disk under SQLite, which fails as planned: a layer of SQLite's own file system interface
// (sqlite.org/vfs.html). While one exists, every SQLite connection of the process that is opened
// goes over it; it outlives them. It remembers what was written and not synced, so that a power cut
// can take that away again, sector by sector.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3_vfs;
struct sqlite3_file;

namespace keyturn::faulty {

class Disk {
 public:
  static constexpr std::size_t kSectorBytes = 512;  // what a disk writes whole, or not
  struct Faults {
    unsigned sync_fails_percent = 0;  // syncs that say so; what they were to sync may be lost
    unsigned sync_lies_percent = 0;   // syncs that say they did and did not
    unsigned full_percent = 0;        // writes that find no space
  };
  struct Counts {
    std::uint64_t failed_syncs = 0;
    std::uint64_t lies = 0;
    std::uint64_t full = 0;
  };

  explicit Disk(std::uint64_t seed);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void set_faults(const Faults& faults);
  Counts counts() const;
  // From here on nothing reaches the disk: every write, sync and removal fails.
  void cut_power();
  // With every connection closed. Of what was not synced, each sector is kept or lost by chance
  // (`kept_percent`), and the disk works again. Returns the sectors lost.
  Result<std::size_t> restore_power(unsigned kept_percent);

  // For the layer itself.
  struct File {
    std::string path;
    // What stood where something not synced was written, newest last.
    struct Before {
      std::int64_t offset = 0;
      std::string bytes;
      std::int64_t size = 0;  // of the file
    };
    std::vector<Before> unsynced;
  };
  int open(const char* path, sqlite3_file* file, int flags, int* flags_out);
  int remove(const char* path, int sync_folder);
  // Before `bytes` are written at `offset`, or the file is cut there (`bytes` 0). An SQLite code.
  int before_write(File& file, sqlite3_file* real, std::int64_t offset, int bytes);
  // An SQLite code; with `real_sync` unset the sync is not to be done.
  int before_sync(File& file, bool& real_sync);
  sqlite3_vfs* real() const { return real_; }

 private:
  bool draw(unsigned percent, std::uint64_t& count);
  Result<std::size_t> settle(const File& file, unsigned kept_percent);

  sqlite3_vfs* const real_;
  const std::unique_ptr<sqlite3_vfs> layer_;
  mutable std::mutex mutex_;  // guards the rest
  std::mt19937_64 engine_;
  Faults faults_;
  Counts counts_;
  bool cut_ = false;
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace keyturn::faulty
