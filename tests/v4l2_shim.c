/* A camera for a machine without one, put before the C library with LD_PRELOAD: what is opened as .../video42 answers the
   ioctls of the kernel's own header as a UVC driver does, and its buffers are a memfd, so that mmap is the real one.

   $V4L2_SHIM is a folder: `format` holds a fourcc, `0`, `1`, ... the frames; while `busy` or `unplugged` exists there, the
   camera is that. Frames come ten times a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 4, BUFFER_BYTES = 1 << 20, FRAME_NS = 100000000 };
static const struct v4l2_frmsize_discrete SIZES[] = {{1280, 720}, {640, 480}, {160, 120}};

static int camera = -1, queued[BUFFERS], waiting, sent, is_on;
static struct v4l2_pix_format format = {.width = 1280, .height = 720};

static const char *in_folder(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("V4L2_SHIM"), name);
    return path;
}

static int is(const char *name) { return access(in_folder(name), F_OK) == 0; }

static int fails(int number) {
    errno = number;
    return -1;
}

static size_t load(const char *name, void *into, size_t most) {
    FILE *file = fopen(in_folder(name), "rb");
    size_t size = file ? fread(into, 1, most, file) : 0;
    if (file) fclose(file);
    return size;
}

static __u32 fourcc(void) {
    char name[4] = "";
    load("format", name, 4);
    return v4l2_fourcc(name[0], name[1], name[2], name[3]);
}

static int plug_in(void) {
    camera = memfd_create("camera", MFD_CLOEXEC);
    if (ftruncate(camera, (off_t)BUFFERS * BUFFER_BYTES)) return -1;
    waiting = 0;
    return camera;
}

#define OPENER(name)                                                        \
    int name(const char *path, int flags, ...) {                            \
        va_list rest;                                                       \
        va_start(rest, flags);                                              \
        int mode = flags & O_CREAT ? va_arg(rest, int) : 0;                 \
        va_end(rest);                                                       \
        const char *end = strstr(path, "/video42");                         \
        if (end && !end[8]) return is("unplugged") ? fails(ENODEV) : plug_in(); \
        return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode); \
    }
OPENER(open)
OPENER(open64)

static int set_format(struct v4l2_format *wanted) {
    const struct v4l2_frmsize_discrete *best = SIZES;
    for (size_t at = 0; at < sizeof SIZES / sizeof *SIZES; at++)
        if (SIZES[at].width == wanted->fmt.pix.width) best = &SIZES[at];
    format.width = best->width;
    format.height = best->height;
    format.pixelformat = fourcc();
    format.bytesperline = format.pixelformat == V4L2_PIX_FMT_YUYV ? best->width * 2 : 0;
    format.sizeimage = BUFFER_BYTES;
    wanted->fmt.pix = format;
    return is("busy") ? fails(EBUSY) : 0;
}

static int dequeue(struct v4l2_buffer *buffer) {
    char name[16];
    if (!is_on || !waiting) return fails(EAGAIN);
    nanosleep(&(struct timespec){0, FRAME_NS}, NULL);
    snprintf(name, sizeof name, "%d", sent);
    if (!is(name)) snprintf(name, sizeof name, "%d", sent = 0);
    sent++;
    buffer->index = queued[0];
    memmove(queued, queued + 1, sizeof *queued * --waiting);
    char *memory = mmap(NULL, BUFFER_BYTES, PROT_WRITE, MAP_SHARED, camera, (off_t)buffer->index * BUFFER_BYTES);
    buffer->bytesused = load(name, memory, BUFFER_BYTES);
    munmap(memory, BUFFER_BYTES);
    return 0;
}

static int answer(unsigned long request, void *asked) {
    struct v4l2_capability *capability = asked;
    struct v4l2_fmtdesc *offered = asked;
    struct v4l2_frmsizeenum *size = asked;
    struct v4l2_requestbuffers *buffers = asked;
    struct v4l2_buffer *buffer = asked;
    if (is("unplugged")) return fails(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP:
        strcpy((char *)capability->driver, "uvcvideo");
        strcpy((char *)capability->card, "Shim HD: Camera");
        capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    case VIDIOC_ENUM_FMT:
        if (offered->index || offered->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fails(EINVAL);
        offered->pixelformat = fourcc();
        return 0;
    case VIDIOC_ENUM_FRAMESIZES:
        if (size->index >= sizeof SIZES / sizeof *SIZES) return fails(EINVAL);
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete = SIZES[size->index];
        return 0;
    case VIDIOC_S_FMT: return set_format(asked);
    case VIDIOC_G_FMT: ((struct v4l2_format *)asked)->fmt.pix = format; return 0;
    case VIDIOC_REQBUFS:
        if (buffers->count > BUFFERS) buffers->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF:
        buffer->length = BUFFER_BYTES;
        buffer->m.offset = buffer->index * BUFFER_BYTES;
        return 0;
    case VIDIOC_QBUF: queued[waiting++] = buffer->index; return 0;
    case VIDIOC_DQBUF: return dequeue(buffer);
    case VIDIOC_STREAMON: is_on = 1; return 0;
    case VIDIOC_STREAMOFF: is_on = waiting = 0; return 0;
    default: return fails(ENOTTY);
    }
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (descriptor == camera && camera >= 0) return answer(request & 0xffffffff, argument);
    return ((int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl"))(descriptor, request, argument);
}
