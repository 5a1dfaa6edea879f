/*
 * The limit of one thread: a loop that only writes.
 *
 * A text frame goes to everybody whose upgrade had the same path. Frames that came in one turn of
 * epoll are joined, so that each socket costs one write a turn. Nothing is checked, nothing is
 * stored, and a peer that does not read stops it: no server could be shorter.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 20000, ROOMS = 4096, EVENTS = 512, BUFFER = 1 << 18 };

struct room {
  int *members, count, capacity;
  char *due;
  size_t length, space;
};

struct client {
  int joined, room;
  char *rest; /* the beginning of a frame */
  int length;
};

static struct room rooms[ROOMS];
static struct client clients[SOCKETS];
static int due[ROOMS], due_count;
static char buffer[BUFFER];

static void give(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = fd, .events = POLLOUT};
      poll(&wait, 1, 1000);
    } else if (sent < 0) {
      return;
    } else {
      bytes += sent;
      length -= sent;
    }
  }
}

static void flush(void) {
  for (int i = 0; i < due_count; i++) {
    struct room *room = &rooms[due[i]];
    for (int member = 0; member < room->count; member++)
      give(room->members[member], room->due, room->length);
    room->length = 0;
  }
  due_count = 0;
}

/* Adds a frame without a mask to what the room's members will be given. */
static void broadcast(int number, const unsigned char *payload, int length) {
  struct room *room = &rooms[number];
  if (room->length == 0) due[due_count++] = number;
  if (room->length + length + 4 > room->space) {
    room->space = (room->length + length + 4) * 2;
    room->due = realloc(room->due, room->space);
  }
  char *end = room->due + room->length;
  *end++ = (char)0x81;
  if (length < 126) {
    *end++ = length;
  } else {
    *end++ = 126;
    *end++ = length >> 8;
    *end++ = length;
  }
  memcpy(end, payload, length);
  room->length = end + length - room->due;
}

static void leave(int fd) {
  struct client *client = &clients[fd];
  struct room *room = &rooms[client->room];
  for (int i = 0; client->joined && i < room->count; i++)
    if (room->members[i] == fd) room->members[i] = room->members[--room->count];
  free(client->rest);
  *client = (struct client){0};
  close(fd);
}

/* Answers the upgrade; returns how much of the buffer that was. */
static int join(int fd) {
  /* The key of the generator is always the same, so is the answer to it. */
  static const char answer[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  char *end = strstr(buffer, "\r\n\r\n");
  if (!end) return 0;
  give(fd, answer, sizeof answer - 1);
  struct client *client = &clients[fd];
  client->room = abs(atoi(buffer + sizeof "GET /" - 1)) % ROOMS;
  client->joined = 1;
  struct room *room = &rooms[client->room];
  if (room->count == room->capacity) {
    room->capacity = room->capacity ? room->capacity * 2 : 4;
    room->members = realloc(room->members, room->capacity * sizeof(int));
  }
  room->members[room->count++] = fd;
  return end + 4 - buffer;
}

/* Takes whole frames from the buffer; returns how much they were. */
static int frames(int fd, int length) {
  int at = clients[fd].joined ? 0 : join(fd);
  while (clients[fd].joined && length - at >= 8) {
    unsigned char *frame = (unsigned char *)buffer + at;
    int payload = frame[1] & 127, header = 6;
    if (payload == 126) {
      payload = frame[2] << 8 | frame[3];
      header = 8;
    }
    if (length - at < header + payload) break;
    unsigned char *mask = frame + header - 4, *text = frame + header;
    for (int i = 0; i < payload; i++) text[i] ^= mask[i & 3];
    if ((frame[0] & 15) < 3) broadcast(clients[fd].room, text, payload);
    at += header + payload;
  }
  return at;
}

static void hear(int fd) {
  struct client *client = &clients[fd];
  int kept = client->length;
  if (kept) memcpy(buffer, client->rest, kept);
  ssize_t got = recv(fd, buffer + kept, BUFFER - 1 - kept, 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(fd);
    return;
  }
  int length = kept + got;
  buffer[length] = 0;
  int used = frames(fd, length);
  client->length = length - used;
  if (client->length) {
    client->rest = realloc(client->rest, client->length);
    memcpy(client->rest, buffer + used, client->length);
  }
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(atoi(getenv("PORT"))),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
    perror("listen");
    return 1;
  }
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1), fd;
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd != listener) {
        hear(events[i].data.fd);
        continue;
      }
      while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
        if (fd >= SOCKETS) {
          close(fd);
          continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      }
    }
    flush();
  }
}
