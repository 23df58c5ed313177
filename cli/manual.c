/* Manual pages, from the texts that --help shows. */
#include "cli/manual.h"
#include "cli/option_list.h"
#include "cli/version.h"
#include <ctype.h>
#include <string.h>

/* Text for roff: a hyphen that can be copied, nothing that it takes for a request or an escape,
   and `words` in bold. */
static void roff(FILE *f, const char *s, size_t n) {
  bool bold = false;
  for (size_t i = 0; i < n; i++) switch (s[i]) {
    case '\\': fputs("\\e", f); break;
    case '-': fputs("\\-", f); break;
    case '\'': fputs("\\(aq", f); break;
    case '.': fputs(i && s[i - 1] != '\n' ? "." : "\\&.", f); break;
    case '`': fputs((bold = !bold) ? "\\fB" : "\\fR", f); break;
    default: fputc(s[i], f);
    }
}

static void heading(FILE *f, const char *page, const char *section) {
  fprintf(f, ".\\\" Made by `netc help --man`: its source is the text of --help.\n.TH ");
  for (const char *p = page; *p; p++) fputc(toupper((unsigned char)*p), f);
  fprintf(f, " %s \"\" \"netc " NETC_VERSION "\" \"netc\"\n", section);
}

static void name_section(FILE *f, const char *page, const char *summary) {
  fputs(".SH NAME\n", f);
  roff(f, page, strlen(page));
  fputs(" \\- ", f);
  roff(f, summary, strlen(summary));
  fputc('\n', f);
}

static void option_entry(FILE *f, const option_line *o) {
  fputs(".TP\n", f);
  if (o->letter) fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
  fputs("\\fB\\-\\-", f);
  roff(f, o->name, strlen(o->name));
  fputs("\\fR", f);
  if (o->arg) {
    fputs("=\\fI", f);
    roff(f, o->arg, strlen(o->arg));
    fputs("\\fR", f);
  }
  fputc('\n', f);
  roff(f, o->what, strlen(o->what));
  fputc('\n', f);
}

static void exit_status(FILE *f) {
  fputs(".SH EXIT STATUS\n0 done; 1 the input was wrong or the work failed, the reason on standard "
        "error; 2 the command line was wrong; 128 + N a run was ended by signal N, with its "
        "checkpoint written.\n",
        f);
}

static void command_page(FILE *f, const command *c) {
  char page[64];
  option_line o[MAX_OPTIONS];
  const char *doc = c->argp->doc, *after = strchr(doc, '\v');
  const size_t before = after ? (size_t)(after - doc) : strlen(doc);
  const int n = option_list(c->argp, o);
  snprintf(page, sizeof page, "netc-%s", c->name);
  heading(f, page, "1");
  name_section(f, page, c->summary);
  fprintf(f, ".SH SYNOPSIS\n.B netc %s\n[\\fIOPTION\\fR...] ", c->name);
  if (c->argp->args_doc) roff(f, c->argp->args_doc, strlen(c->argp->args_doc));
  fputs("\n.SH DESCRIPTION\n", f);
  roff(f, doc, before);
  if (after) {
    fputs("\n.PP\n", f);
    roff(f, after + 1, strlen(after + 1));
  }
  fputs("\n.SH OPTIONS\n", f);
  for (int i = 0; i < n; i++) option_entry(f, &o[i]);
  exit_status(f);
  fputs(".SH SEE ALSO\n.BR netc (1)\n", f);
}

static void main_page(FILE *f) {
  heading(f, "netc", "1");
  name_section(f, "netc", "compiler for neural networks described in text");
  fputs(".SH SYNOPSIS\n.B netc\n\\fICOMMAND\\fR [\\fIOPTION\\fR...] \\fIFILE\\fR...\n"
        ".SH DESCRIPTION\nCompiles neural networks described in text, trains them and runs "
        "them.\n.SH COMMANDS\n",
        f);
  for (int i = 0; i < n_commands; i++) {
    fprintf(f, ".TP\n.BR netc\\-%s (1)\n", commands[i].name);
    roff(f, commands[i].summary, strlen(commands[i].summary));
    fputc('\n', f);
  }
  exit_status(f);
}

void write_manual(FILE *to, const command *c) {
  if (c) command_page(to, c);
  else main_page(to);
}
