// SQLite's tables of functions for a Disk.
#pragma once

#include <sqlite3.h>

#include "faulty/disk.h"

namespace keyturn::faulty {

// What SQLite allocates for an open file; the real one follows it in memory.
struct OpenFile {
  sqlite3_file base;
  Disk* disk;
  Disk::File* file;
};

sqlite3_file* real_of(sqlite3_file* file);
const sqlite3_io_methods* methods();
// A layer over `real` that asks `disk`.
sqlite3_vfs layer_over(sqlite3_vfs* real, Disk* disk);

}  // namespace keyturn::faulty
