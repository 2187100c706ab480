/*
 * The root helper: does for the firmware, which runs as its own user, what only root may do. Listens on a Unix socket for
 * one line a connection, which names a verb of a fixed list, and answers with what the verb's program says, line by line:
 *
 *   request    alive | install | slots | mark-good | reboot | factory-reset | led ok | led busy | led fault
 *   answer     progress <0-100> <text>     any number of times
 *              ok [<text>] | error <text>  once, then the connection is closed
 *
 * It keeps the hardware watchdog from biting: by itself for a while after its start, then only as long as the firmware says
 * `alive`. Must not take anything from a request but the verb, nor serve others than root and the firmware's user.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_LINE_BYTES = 256,
  MAX_CLIENTS = 16,
  BACKLOG = 64,
  /* Who has sent no line by then is not waited for. */
  CLIENT_PATIENCE_S = 5,
  WATCHDOG_TIMEOUT_S = 60,
  /* A first start with a file system check takes its time; a firmware that never comes is no reason to wait for longer. */
  GRACE_S = 180,
  /* How long the firmware may be silent. */
  ALIVE_FOR_S = 45,
};

struct verb {
  const char *line;
  const char *program;
  const char *argument;
  /* Another one is refused while it runs. */
  bool is_alone;
};

/* `alive` is not among them: it is answered at once. */
static const struct verb VERBS[] = {
    {"install", "install", NULL, true},
    {"slots", "slots", NULL, false},
    {"mark-good", "mark-good", NULL, true},
    {"reboot", "reboot", NULL, true},
    {"factory-reset", "factory-reset", NULL, true},
    {"led ok", "led", "ok", false},
    {"led busy", "led", "busy", false},
    {"led fault", "led", "fault", false},
};

struct client {
  int fd;
  time_t since_s;
  size_t length_bytes;
  char line[MAX_LINE_BYTES];
};

static struct client clients[MAX_CLIENTS];
static size_t client_count;
/* The process that sees to a verb that is alone, 0 without one. */
static pid_t alone_pid;
static int watchdog_fd = -1;
static time_t started_s;
static time_t alive_s;
static bool is_recovery;
static const char *programs_folder;

static time_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

static void answer(int fd, const char *text) {
  char line[MAX_LINE_BYTES + 64];
  int length_bytes = snprintf(line, sizeof line, "%s\n", text);
  /* Who does not read its answer does without. */
  if (send(fd, line, (size_t)length_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

static int listen_at(const char *path, gid_t group) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  unlink(path);
  mode_t before = umask(0117);
  int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound < 0 || lchown(path, (uid_t)-1, group) < 0 || listen(fd, BACKLOG) < 0) return -1;
  return fd;
}

static bool may_ask(int fd, uid_t user) {
  struct ucred peer;
  socklen_t length_bytes = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length_bytes) < 0) return false;
  return peer.uid == 0 || peer.uid == user;
}

static void accept_client(int listener, uid_t user) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  if (!may_ask(fd, user)) {
    answer(fd, "error this is for the firmware and for root");
  } else if (client_count == MAX_CLIENTS) {
    answer(fd, "error too many ask at once");
  } else {
    clients[client_count++] = (struct client){.fd = fd, .since_s = now_s()};
    return;
  }
  close(fd);
}

/* Passes on what the program says; what it says last decides. Runs in a process of its own. */
static int see_to(const struct verb *verb, int fd) {
  char program[512];
  snprintf(program, sizeof program, "%s/%s", programs_folder, verb->program);
  int pipe_fds[2];
  if (pipe(pipe_fds) < 0) return answer(fd, "error no pipe is to be had"), 1;
  pid_t pid = fork();
  if (pid < 0) return answer(fd, "error no process is to be had"), 1;
  if (pid == 0) {
    int null_fd = open("/dev/null", O_RDWR);
    dup2(null_fd, STDIN_FILENO);
    dup2(pipe_fds[1], STDOUT_FILENO);
    close(fd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    char *const arguments[] = {program, (char *)verb->argument, NULL};
    execv(program, arguments);
    printf("error %s: %s\n", program, strerror(errno));
    fflush(stdout);
    _exit(127);
  }
  close(pipe_fds[1]);
  FILE *said = fdopen(pipe_fds[0], "r");
  char *line = NULL;
  size_t size_bytes = 0;
  bool is_answered = false;
  while (said != NULL && getline(&line, &size_bytes, said) > 0) {
    line[strcspn(line, "\n")] = '\0';
    bool is_end = strncmp(line, "ok", 2) == 0 || strncmp(line, "error ", 6) == 0;
    if (is_answered || (!is_end && strncmp(line, "progress ", 9) != 0)) continue;
    char cut[4096];
    int length_bytes = snprintf(cut, sizeof cut - 1, "%s", line);
    if (length_bytes > (int)sizeof cut - 2) length_bytes = (int)sizeof cut - 2;
    cut[length_bytes] = '\n';
    /* A client that has gone away does not stop an update. */
    if (send(fd, cut, (size_t)length_bytes + 1, MSG_NOSIGNAL) < 0) errno = 0;
    is_answered = is_answered || is_end;
  }
  free(line);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!is_answered) {
    snprintf(program, sizeof program, "error %s ended without an answer, status %d", verb->program,
             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    answer(fd, program);
  }
  return 0;
}

static const struct verb *find_verb(const char *line) {
  for (size_t at = 0; at < sizeof VERBS / sizeof *VERBS; at++)
    if (strcmp(VERBS[at].line, line) == 0) return &VERBS[at];
  return NULL;
}

static void serve(const char *line, int fd) {
  if (strcmp(line, "alive") == 0) {
    alive_s = now_s();
    return answer(fd, "ok");
  }
  const struct verb *verb = find_verb(line);
  if (verb == NULL) return answer(fd, "error there is no such verb");
  if (verb->is_alone && alone_pid != 0) return answer(fd, "error something else is being done; try again when it has ended");
  pid_t pid = fork();
  if (pid < 0) return answer(fd, "error no process is to be had");
  if (pid == 0) {
    /* The watchdog is the parent's to keep, and so are the other clients: they see their end when the parent closes them. */
    if (watchdog_fd >= 0) close(watchdog_fd);
    for (size_t at = 0; at < client_count; at++)
      if (clients[at].fd != fd) close(clients[at].fd);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    _exit(see_to(verb, fd));
  }
  if (verb->is_alone) alone_pid = pid;
}

/* True when the client is done with. */
static bool hear(struct client *client) {
  char *end = client->line + client->length_bytes;
  ssize_t got_bytes = recv(client->fd, end, MAX_LINE_BYTES - client->length_bytes, 0);
  if (got_bytes < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got_bytes <= 0) return true;
  client->length_bytes += (size_t)got_bytes;
  char *newline = memchr(client->line, '\n', client->length_bytes);
  if (newline == NULL) {
    if (client->length_bytes < MAX_LINE_BYTES) return false;
    answer(client->fd, "error the line is too long");
    return true;
  }
  *newline = '\0';
  if (newline + 1 != client->line + client->length_bytes) {
    answer(client->fd, "error one line a connection");
  } else if (strlen(client->line) != (size_t)(newline - client->line)) {
    answer(client->fd, "error there is no such verb");
  } else {
    serve(client->line, client->fd);
  }
  return true;
}

static void drop_client(size_t at) {
  close(clients[at].fd);
  clients[at] = clients[--client_count];
}

static void look_after_children(void) {
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
    if (pid == alone_pid) alone_pid = 0;
}

static void open_watchdog(const char *device) {
  watchdog_fd = open(device, O_WRONLY | O_CLOEXEC);
  if (watchdog_fd < 0) {
    fprintf(stderr, "tunnelwerk-root: no watchdog: %s: %s\n", device, strerror(errno));
    return;
  }
  int timeout_s = WATCHDOG_TIMEOUT_S;
  ioctl(watchdog_fd, WDIOC_SETTIMEOUT, &timeout_s);
}

static void keep_watchdog(void) {
  if (watchdog_fd < 0) return;
  time_t now = now_s();
  /* In recovery somebody may sit at the console, and there is nothing that a reboot would mend. */
  bool is_well = is_recovery || now - started_s < GRACE_S || (alive_s != 0 && now - alive_s < ALIVE_FOR_S);
  /* An update or a reset is not cut off halfway. */
  if ((is_well || alone_pid != 0) && write(watchdog_fd, "k", 1) < 0) errno = 0;
}

static bool kernel_says(const char *word) {
  char line[4096] = "";
  FILE *file = fopen("/proc/cmdline", "r");
  if (file == NULL) return false;
  bool found = false;
  if (fgets(line, sizeof line, file) != NULL) {
    for (char *token = strtok(line, " \n"); token != NULL; token = strtok(NULL, " \n"))
      found = found || strcmp(token, word) == 0;
  }
  fclose(file);
  return found;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: tunnelwerk-root SOCKET USER-ID PROGRAMS-FOLDER WATCHDOG-DEVICE\n");
    return 2;
  }
  uid_t user = (uid_t)strtoul(arguments[2], NULL, 10);
  programs_folder = arguments[3];
  started_s = now_s();
  is_recovery = kernel_says("tunnelwerk.recovery");
  open_watchdog(arguments[4]);
  int listener = listen_at(arguments[1], (gid_t)user);
  if (listener < 0) {
    fprintf(stderr, "tunnelwerk-root: %s: %s\n", arguments[1], strerror(errno));
    return 1;
  }
  for (;;) {
    struct pollfd polled[MAX_CLIENTS + 1] = {{.fd = listener, .events = POLLIN}};
    for (size_t at = 0; at < client_count; at++) polled[at + 1] = (struct pollfd){.fd = clients[at].fd, .events = POLLIN};
    size_t before = client_count;
    if (poll(polled, before + 1, 1000) < 0 && errno != EINTR) return 1;
    /* From the last to the first: one that goes is replaced by the last, which has been looked at. */
    for (size_t at = before; at-- > 0;)
      if ((polled[at + 1].revents != 0 && hear(&clients[at])) || now_s() - clients[at].since_s > CLIENT_PATIENCE_S)
        drop_client(at);
    if (polled[0].revents != 0) accept_client(listener, user);
    look_after_children();
    keep_watchdog();
  }
}
