#include "faulty/disk_methods.h"

namespace keyturn::faulty {
namespace {

OpenFile& ours(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

int close(sqlite3_file* file) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xClose(real);
}
int read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xRead(real, into, bytes, offset);
}
int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  sqlite3_file* const real = real_of(file);
  const int code = ours(file).disk->before_write(*ours(file).file, real, offset, bytes);
  return code != SQLITE_OK ? code : real->pMethods->xWrite(real, from, bytes, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  sqlite3_file* const real = real_of(file);
  const int code = ours(file).disk->before_write(*ours(file).file, real, size, 0);
  return code != SQLITE_OK ? code : real->pMethods->xTruncate(real, size);
}
int sync(sqlite3_file* file, int flags) {
  sqlite3_file* const real = real_of(file);
  bool real_sync = true;
  const int code = ours(file).disk->before_sync(*ours(file).file, real_sync);
  return code != SQLITE_OK || !real_sync ? code : real->pMethods->xSync(real, flags);
}
int size(sqlite3_file* file, sqlite3_int64* bytes) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xFileSize(real, bytes);
}
int lock(sqlite3_file* file, int level) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xLock(real, level);
}
int unlock(sqlite3_file* file, int level) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xUnlock(real, level);
}
int is_locked(sqlite3_file* file, int* out) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xCheckReservedLock(real, out);
}
int control(sqlite3_file* file, int operation, void* argument) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xFileControl(real, operation, argument);
}
int sector_size(sqlite3_file*) { return static_cast<int>(Disk::kSectorBytes); }
// Nothing is promised: neither atomic writes nor that a power cut leaves neighbours alone.
int characteristics(sqlite3_file*) { return 0; }
int map_shared(sqlite3_file* file, int page, int bytes, int extend, void volatile** out) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xShmMap(real, page, bytes, extend, out);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xShmLock(real, offset, count, flags);
}
void barrier(sqlite3_file* file) {
  sqlite3_file* const real = real_of(file);
  real->pMethods->xShmBarrier(real);
}
int unmap_shared(sqlite3_file* file, int remove) {
  sqlite3_file* const real = real_of(file);
  return real->pMethods->xShmUnmap(real, remove);
}

Disk& disk_of(sqlite3_vfs* layer) { return *static_cast<Disk*>(layer->pAppData); }

int open(sqlite3_vfs* layer, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  return disk_of(layer).open(path, file, flags, flags_out);
}
int remove(sqlite3_vfs* layer, const char* path, int sync_folder) {
  return disk_of(layer).remove(path, sync_folder);
}
int access(sqlite3_vfs* layer, const char* path, int flags, int* out) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xAccess(real, path, flags, out);
}
int full_path(sqlite3_vfs* layer, const char* path, int bytes, char* out) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xFullPathname(real, path, bytes, out);
}
int randomness(sqlite3_vfs* layer, int bytes, char* out) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xRandomness(real, bytes, out);
}
int pause(sqlite3_vfs* layer, int microseconds) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xSleep(real, microseconds);
}
int current_time(sqlite3_vfs* layer, double* days) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xCurrentTime(real, days);
}
int last_error(sqlite3_vfs* layer, int bytes, char* out) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xGetLastError(real, bytes, out);
}
int current_time_64(sqlite3_vfs* layer, sqlite3_int64* milliseconds) {
  sqlite3_vfs* const real = disk_of(layer).real();
  return real->xCurrentTimeInt64(real, milliseconds);
}

}  // namespace

sqlite3_file* real_of(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<OpenFile*>(file) + 1);
}

const sqlite3_io_methods* methods() {
  static const sqlite3_io_methods kMethods = {2,
                                              close,
                                              read,
                                              write,
                                              truncate,
                                              sync,
                                              size,
                                              lock,
                                              unlock,
                                              is_locked,
                                              control,
                                              sector_size,
                                              characteristics,
                                              map_shared,
                                              lock_shared,
                                              barrier,
                                              unmap_shared,
                                              nullptr,
                                              nullptr};
  return &kMethods;
}

sqlite3_vfs layer_over(sqlite3_vfs* real, Disk* disk) {
  sqlite3_vfs layer = {};
  layer.iVersion = 2;
  layer.szOsFile = static_cast<int>(sizeof(OpenFile)) + real->szOsFile;
  layer.mxPathname = real->mxPathname;
  layer.zName = "faulty";
  layer.pAppData = disk;
  layer.xOpen = open;
  layer.xDelete = remove;
  layer.xAccess = access;
  layer.xFullPathname = full_path;
  layer.xRandomness = randomness;
  layer.xSleep = pause;
  layer.xCurrentTime = current_time;
  layer.xGetLastError = last_error;
  layer.xCurrentTimeInt64 = current_time_64;
  return layer;
}

}  // namespace keyturn::faulty
