/* Preloaded into a process: ends it at its n-th change of a file under a folder, or lets the disk be full from a byte on.
 *
 * Counted are the calls of libc that change what is on the disk: write, pwrite, writev, fsync, fdatasync, ftruncate,
 * rename, unlink, rmdir, mkdir and an open that creates or truncates. SQLite, Chroma's native code and Python all go
 * through them. Every other kill comes in the middle of a write: half of its bytes are there.
 * The real calls are made as system calls, in the forms that every architecture of Linux has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long kill_at;
static atomic_long seen;
static atomic_llong room;

/* Begin to count. kill_at 0: never. room_bytes -1: as much as the disk has. */
void fault_arm(const char *path, long n, long long room_bytes) {
    kill_at = n;
    seen = 0;
    room = room_bytes;
    snprintf(folder, sizeof folder, "%s", path);
}

void fault_disarm(void) { folder[0] = 0; }

long fault_seen(void) { return seen; }

long long fault_room(void) { return room; }

static int is_inside(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int is_watched(int fd) {
    char link[64], path[PATH_MAX];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

static int is_watched_at(int directory, const char *path) {
    return path[0] == '/' ? is_inside(path) : directory == AT_FDCWD ? 0 : is_watched(directory);
}

static void end(void) {
    syscall(SYS_kill, (long)getpid(), SIGKILL);
    for (;;) pause();
}

static int is_last(void) { return ++seen == kill_at; }

static void count(void) {
    if (is_last()) end();
}

/* How many of the bytes of a write there is room for. */
static size_t take(size_t wanted) {
    long long left = room;
    if (left < 0) return wanted;
    size_t granted = (long long)wanted < left ? wanted : (size_t)left;
    room = left - (long long)granted;
    return granted;
}

#define WRITE(fd, bytes, call)                               \
    size_t size = (bytes);                                   \
    if (!is_watched(fd)) return call;                        \
    if (is_last()) {                                         \
        if (kill_at % 2 && size > 1) { size /= 2; (void)!call; } \
        end();                                               \
    }                                                        \
    if (size && !(size = take(size))) { errno = ENOSPC; return -1; } \
    return call;

ssize_t write(int fd, const void *data, size_t n) { WRITE(fd, n, syscall(SYS_write, fd, data, size)) }
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { WRITE(fd, n, syscall(SYS_pwrite64, fd, data, size, at)) }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { WRITE(fd, n, syscall(SYS_pwrite64, fd, data, size, at)) }

ssize_t writev(int fd, const struct iovec *parts, int n) {
    if (!is_watched(fd)) return syscall(SYS_writev, fd, parts, n);
    ssize_t written = 0;
    for (int i = 0; i < n; i++) {
        if (!parts[i].iov_len) continue;
        ssize_t result = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (result < 0) return written ? written : result;
        written += result;
        if ((size_t)result < parts[i].iov_len) break;
    }
    return written;
}

int fsync(int fd) { if (is_watched(fd)) count(); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { if (is_watched(fd)) count(); return syscall(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t n) { if (is_watched(fd)) count(); return syscall(SYS_ftruncate, fd, n); }
int ftruncate64(int fd, off_t n) { if (is_watched(fd)) count(); return syscall(SYS_ftruncate, fd, n); }

int unlinkat(int at, const char *path, int flags) {
    if (is_watched_at(at, path)) count();
    return syscall(SYS_unlinkat, at, path, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int renameat(int from, const char *old, int to, const char *new) {
    if (is_watched_at(from, old) || is_watched_at(to, new)) count();
    return syscall(SYS_renameat2, from, old, to, new, 0);
}
int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int mkdirat(int at, const char *path, mode_t mode) {
    if (is_watched_at(at, path)) count();
    return syscall(SYS_mkdirat, at, path, mode);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

#define OPEN(at, path, flags)                                        \
    mode_t mode = 0;                                                 \
    if (flags & (O_CREAT | O_TMPFILE)) {                             \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode = va_arg(rest, mode_t);                                 \
        va_end(rest);                                                \
    }                                                                \
    if (flags & (O_CREAT | O_TRUNC) && is_watched_at(at, path)) count(); \
    return syscall(SYS_openat, at, path, flags, mode);

int open(const char *path, int flags, ...) { OPEN(AT_FDCWD, path, flags) }
int open64(const char *path, int flags, ...) { OPEN(AT_FDCWD, path, flags) }
int openat(int at, const char *path, int flags, ...) { OPEN(at, path, flags) }
int openat64(int at, const char *path, int flags, ...) { OPEN(at, path, flags) }
