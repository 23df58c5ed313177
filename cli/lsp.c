/* netc lsp: the language server protocol on standard input and output. */
#include "cli/lsp.h"
#include "cli/command.h"
#include "cli/version.h"
#include "runtime/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LARGEST = 64 << 20, NO_SUCH_METHOD = -32601, REQUEST_FAILED = -32803 };

typedef struct {
  lsp_document *documents;
  bool shut_down;
} server;

static const struct argp_option options[] = {{0}};
static const char doc[] =
    "Speaks the language server protocol on standard input and output: an editor starts it."
    "\vIt tells errors as one types, what each layer makes and costs, which layers and settings "
    "there are, where names are defined, and formats and renames. For Vim and Visual Studio Code "
    "see docs/editors.md.";
const struct argp lsp_argp = {options, NULL, NULL, doc, 0, 0, 0};

/* --- messages --- */

/* The next message, or NULL at the end of input. */
static json_object *receive(void) {
  char line[512];
  long n = -1;
  while (fgets(line, sizeof line, stdin) && strcspn(line, "\r\n"))
    if (!strncasecmp(line, "Content-Length:", 15)) n = strtol(line + 15, NULL, 10);
  if (n < 0 || n > LARGEST || feof(stdin)) return NULL;
  char *body = allocate((size_t)n + 1);
  bool whole = fread(body, 1, (size_t)n, stdin) == (size_t)n;
  json_object *j = whole ? json_tokener_parse(body) : NULL;
  free(body);
  return j ? j : whole ? json_object_new_object() : NULL;
}

static void send(json_object *j) {
  json_object_object_add(j, "jsonrpc", json_object_new_string("2.0"));
  const char *text = json_object_to_json_string_ext(j, JSON_C_TO_STRING_NOSLASHESCAPE);
  printf("Content-Length: %zu\r\n\r\n%s", strlen(text), text);
  fflush(stdout);
  json_object_put(j);
}

static void answer(json_object *id, json_object *result) {
  json_object *j = json_object_new_object();
  json_object_object_add(j, "id", json_object_get(id));
  json_object_object_add(j, "result", result);
  send(j);
}

/* Frees the text. */
static void refuse(json_object *id, int code, char *text) {
  json_object *j = json_object_new_object(), *error = json_object_new_object();
  json_object_object_add(error, "code", json_object_new_int(code));
  json_object_object_add(error, "message", json_object_new_string(text));
  json_object_object_add(j, "id", json_object_get(id));
  json_object_object_add(j, "error", error);
  free(text);
  send(j);
}

/* A value inside, by the names that lead to it; NULL: it is not there. */
static json_object *inside(json_object *j, const char *a, const char *b) {
  j = json_object_is_type(j, json_type_object) ? json_object_object_get(j, a) : NULL;
  return b && j ? inside(j, b, NULL) : j;
}

static const char *text_of(json_object *j) {
  return json_object_is_type(j, json_type_string) ? json_object_get_string(j) : NULL;
}

/* --- documents --- */

/* "file:///a%20b" to "/a b". */
static char *path_of(const char *uri) {
  if (!strncmp(uri, "file://", 7)) uri += 7;
  char *path = copy_string(uri, strlen(uri)), *to = path;
  for (const char *p = path; *p; p++) {
    char hex[3] = {p[0] == '%' ? p[1] : 0, p[0] == '%' && p[1] ? p[2] : 0, 0};
    if (*hex && hex[1]) *to++ = (char)strtol(hex, NULL, 16), p += 2;
    else *to++ = *p;
  }
  *to = 0;
  return path;
}

char *lsp_uri(const char *path) {
  char *uri = message("file://%s", *path == '/' ? "" : "/");
  for (; *path; path++) {
    bool plain = strchr(" %#?", *path) == NULL && (unsigned char)*path < 128;
    uri = free_and(uri, message(plain ? "%s%c" : "%s%%%02X", uri, (unsigned char)*path));
  }
  return uri;
}

static lsp_document *find(server *s, json_object *params) {
  const char *uri = text_of(inside(params, "textDocument", "uri"));
  for (lsp_document *d = s->documents; d && uri; d = d->next)
    if (!strcmp(d->uri, uri)) return d;
  return NULL;
}

static void publish(lsp_document *d) {
  json_object *j = json_object_new_object(), *params = json_object_new_object();
  json_object_object_add(params, "uri", json_object_new_string(d->uri));
  json_object_object_add(params, "diagnostics", lsp_check(d));
  json_object_object_add(j, "method", json_object_new_string("textDocument/publishDiagnostics"));
  json_object_object_add(j, "params", params);
  send(j);
}

static void set_text(lsp_document *d, const char *text) {
  free(d->text);
  d->text = copy_string(text, strlen(text));
  publish(d);
}

static void did_open(server *s, json_object *params) {
  const char *uri = text_of(inside(params, "textDocument", "uri"));
  const char *text = text_of(inside(params, "textDocument", "text"));
  lsp_document *d = find(s, params);
  if (!uri || !text) return;
  if (!d) {
    d = allocate(sizeof *d);
    *d = (lsp_document){.next = s->documents, .uri = copy_string(uri, strlen(uri))};
    d->path = path_of(uri);
    s->documents = d;
  }
  set_text(d, text);
}

/* The whole text each time, which is what the server asks for. */
static void did_change(server *s, json_object *params) {
  lsp_document *d = find(s, params);
  json_object *changes = inside(params, "contentChanges", NULL);
  size_t n = json_object_is_type(changes, json_type_array) ? json_object_array_length(changes) : 0;
  const char *text =
      n ? text_of(inside(json_object_array_get_idx(changes, n - 1), "text", NULL)) : NULL;
  if (d && text) set_text(d, text);
}

static void did_close(server *s, json_object *params) {
  lsp_document *d = find(s, params);
  for (lsp_document **p = &s->documents; *p; p = &(*p)->next)
    if (*p == d) {
      *p = d->next;
      break;
    }
  if (!d) return;
  lsp_forget_graph(d);
  free(d->uri), free(d->path), free(d->text), free(d);
}

/* --- questions --- */

static json_object *flag(void) { return json_object_new_boolean(true); }

static json_object *introduce(void) {
  json_object *j = json_object_new_object(), *can = json_object_new_object();
  json_object *complete = json_object_new_object(), *info = json_object_new_object();
  json_object *rename = json_object_new_object(), *triggers = json_object_new_array();
  json_object_array_add(triggers, json_object_new_string("@"));
  json_object_object_add(complete, "triggerCharacters", triggers);
  json_object_object_add(rename, "prepareProvider", flag());
  json_object_object_add(can, "textDocumentSync", json_object_new_int(1));
  json_object_object_add(can, "hoverProvider", flag());
  json_object_object_add(can, "completionProvider", complete);
  json_object_object_add(can, "definitionProvider", flag());
  json_object_object_add(can, "documentFormattingProvider", flag());
  json_object_object_add(can, "renameProvider", rename);
  json_object_object_add(can, "referencesProvider", flag());
  json_object_object_add(can, "documentSymbolProvider", flag());
  json_object_object_add(info, "name", json_object_new_string("netc"));
  json_object_object_add(info, "version", json_object_new_string(NETC_VERSION));
  json_object_object_add(j, "capabilities", can);
  json_object_object_add(j, "serverInfo", info);
  return j;
}

static bool asks(const char *method, const char *name) {
  return !strncmp(method, "textDocument/", 13) && !strcmp(method + 13, name);
}

/* *known: is there such a question? *why: it was understood, and this is why it cannot be. */
static json_object *about(server *s, const char *method, json_object *params, bool *known,
                          char **why) {
  lsp_document *d = find(s, params), *open = s->documents;
  lsp_position at = {json_object_get_int(inside(params, "position", "line")),
                     json_object_get_int(inside(params, "position", "character"))};
  const char *name = text_of(inside(params, "newName", NULL));
  *known = true;
  if (asks(method, "hover")) return d ? lsp_hover(d, at) : NULL;
  if (asks(method, "completion")) return d ? lsp_complete(d, at) : NULL;
  if (asks(method, "definition")) return d ? lsp_definition(open, d, at) : NULL;
  if (asks(method, "references")) return d ? lsp_references(open, d, at) : NULL;
  if (asks(method, "documentSymbol")) return d ? lsp_outline(d) : NULL;
  if (asks(method, "formatting")) return d ? lsp_format(d) : NULL;
  if (asks(method, "prepareRename")) return d ? lsp_renamed(open, d, at) : NULL;
  if (asks(method, "rename")) return d && name ? lsp_rename(open, d, at, name, why) : NULL;
  *known = false;
  return NULL;
}

static void request(server *s, json_object *id, const char *method, json_object *params) {
  bool known = true;
  char *why = NULL;
  if (!strcmp(method, "initialize")) answer(id, introduce());
  else if (!strcmp(method, "shutdown")) s->shut_down = true, answer(id, NULL);
  else {
    json_object *result = about(s, method, params, &known, &why);
    if (!known) refuse(id, NO_SUCH_METHOD, message("netc does not know `%s`", method));
    else if (why) refuse(id, REQUEST_FAILED, why);
    else answer(id, result);
  }
}

static void notice(server *s, const char *method, json_object *params) {
  if (asks(method, "didOpen")) did_open(s, params);
  else if (asks(method, "didChange")) did_change(s, params);
  else if (asks(method, "didClose")) did_close(s, params);
}

int command_lsp(int argc, char **argv) {
  server s = {0};
  parse_command(&lsp_argp, argc, argv, &s);
  for (json_object *j; (j = receive()); json_object_put(j)) {
    const char *method = text_of(inside(j, "method", NULL));
    json_object *id = inside(j, "id", NULL), *params = inside(j, "params", NULL);
    if (!method) continue;
    if (!strcmp(method, "exit")) {
      json_object_put(j);
      break;
    }
    if (id) request(&s, id, method, params);
    else notice(&s, method, params);
  }
  return s.shut_down ? EXIT_DONE : EXIT_WRONG_INPUT;
}
