/* Loaded before libc: calls about files below $HANGING_ROOT wait while the file $HANGING_SWITCH exists. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_below(const char *path)
{
    const char *root = getenv("HANGING_ROOT"), *hanging = getenv("HANGING_SWITCH");
    const struct timespec pause = {0, 2000000};
    if (!root || !hanging || !path || strncmp(path, root, strlen(root)))
        return;
    while (syscall(SYS_faccessat, AT_FDCWD, hanging, F_OK) == 0)
        nanosleep(&pause, NULL);
}

static void wait_for(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        wait_below(path);
    }
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...)                                \
    {                                                                         \
        va_list rest;                                                         \
        va_start(rest, flags);                                                \
        int mode = va_arg(rest, int);                                         \
        va_end(rest);                                                         \
        wait_below(path);                                                     \
        return REAL(int (*)(const char *, int, ...), #name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define BY_PATH(name, parameters, arguments)                                  \
    int name parameters                                                       \
    {                                                                         \
        wait_below(path);                                                     \
        return REAL(int(*) parameters, #name) arguments;                      \
    }
BY_PATH(mkdir, (const char *path, mode_t mode), (path, mode))
BY_PATH(rmdir, (const char *path), (path))
BY_PATH(unlink, (const char *path), (path))
BY_PATH(rename, (const char *path, const char *to), (path, to))
BY_PATH(stat, (const char *path, struct stat *found), (path, found))
BY_PATH(stat64, (const char *path, struct stat64 *found), (path, found))
BY_PATH(lstat, (const char *path, struct stat *found), (path, found))
BY_PATH(lstat64, (const char *path, struct stat64 *found), (path, found))
BY_PATH(access, (const char *path, int mode), (path, mode))

DIR *opendir(const char *path)
{
    wait_below(path);
    return REAL(DIR * (*)(const char *), "opendir")(path);
}

#define BY_FD(type, name, parameters, arguments)                              \
    type name parameters                                                      \
    {                                                                         \
        wait_for(fd);                                                         \
        return REAL(type(*) parameters, #name) arguments;                     \
    }
BY_FD(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
BY_FD(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
BY_FD(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
BY_FD(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
BY_FD(ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
BY_FD(ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
BY_FD(int, ftruncate, (int fd, off_t size), (fd, size))
BY_FD(int, ftruncate64, (int fd, off64_t size), (fd, size))
BY_FD(int, fsync, (int fd), (fd))
BY_FD(int, fdatasync, (int fd), (fd))
BY_FD(int, flock, (int fd, int how), (fd, how))
