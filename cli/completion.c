/* Completion for bash, zsh and fish, from the tables of the commands' options. */
#include "cli/manual.h"
#include "cli/option_list.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A text inside single quotes of sh; a single quote in it becomes a typographic one, which no
   shell and no _arguments specification takes for an end. */
static void quoted(FILE *f, const char *s) {
  for (; *s; s++) {
    if (*s == '\'') fputs("\xe2\x80\x99", f);
    else if (*s == '[' || *s == ']') fputc(*s == '[' ? '(' : ')', f);
    else if (*s == ':') fputs(",", f);
    else fputc(*s, f);
  }
}

/* What stands in place of the command's arguments: network files, data sets, words. */
static bool takes_networks(const command *c) {
  return c->argp->args_doc && strstr(c->argp->args_doc, ".net");
}
static bool takes_files_too(const command *c) {
  const char *p = c->argp->args_doc;
  return p && (!takes_networks(c) || strstr(p, "IMAGE"));
}
static bool takes_commands(const command *c) {
  return c->argp->args_doc && strstr(c->argp->args_doc, "COMMAND");
}

/* --- bash --- */

static void bash_values(FILE *f, const option_line *o, int n) {
  fputs("      case $opt in\n", f);
  for (int i = 0; i < n; i++) {
    if (!o[i].arg) continue;
    char *words = option_words(o[i].arg);
    fprintf(f, "        --%s", o[i].name);
    if (o[i].letter) fprintf(f, "|-%c", o[i].letter);
    if (words) fprintf(f, ") COMPREPLY=($(compgen -W '%s' -- \"$cur\"));;\n", words);
    else if (option_is_path(o[i].arg)) fputs(") _netc_files;;\n", f);
    else fputs(") ;;\n", f);
    free(words);
  }
  fputs("        *) return 1;;\n      esac;;\n", f);
}

static void bash_options(FILE *f, const option_line *o, int n) {
  fputs("COMPREPLY=($(compgen -W '", f);
  for (int i = 0; i < n; i++) fprintf(f, "%s--%s", i ? " " : "", o[i].name);
  fputs("' -- \"$cur\"))", f);
}

static void bash_command(FILE *f, const command *c, bool values) {
  option_line o[MAX_OPTIONS];
  const int n = option_list(c->argp, o);
  fprintf(f, "    %s)\n", c->name);
  if (values) {
    bash_values(f, o, n);
    return;
  }
  fputs("      if [[ $cur == -* ]]; then ", f);
  bash_options(f, o, n);
  if (takes_commands(c)) {
    char *words = option_words("COMMAND");
    fprintf(f, "\n      else COMPREPLY=($(compgen -W '%s' -- \"$cur\")); fi;;\n", words);
    free(words);
  } else {
    fprintf(f, "\n      else _netc_files%s; fi;;\n", takes_files_too(c) ? "" : " .net");
  }
}

static void bash(FILE *f) {
  char *words = option_words("COMMAND");
  fputs("# bash completion of netc; made by `netc help --completion=bash`\n"
        "_netc_files() {\n"
        "  local f IFS=$'\\n'\n"
        "  compopt -o filenames\n"
        "  for f in $(compgen -f -- \"$cur\"); do\n"
        "    if [[ -z $1 || -d $f || $f == *$1 ]]; then COMPREPLY+=(\"$f\"); fi\n"
        "  done\n}\n"
        "_netc_value() {\n  case ${COMP_WORDS[1]} in\n",
        f);
  for (int i = 0; i < n_commands; i++) bash_command(f, &commands[i], true);
  fputs("    *) return 1;;\n  esac\n}\n"
        "_netc() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} opt=${COMP_WORDS[COMP_CWORD-1]}\n"
        "  COMPREPLY=()\n"
        "  if [[ $COMP_CWORD == 1 ]]; then\n",
        f);
  fprintf(f, "    COMPREPLY=($(compgen -W '%s --help --version' -- \"$cur\")); return\n  fi\n",
          words);
  fputs("  if [[ $cur == = ]]; then cur=; \n"
        "  elif [[ $opt == = ]]; then opt=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "  if [[ $opt == -* ]] && _netc_value; then return; fi\n"
        "  case ${COMP_WORDS[1]} in\n",
        f);
  for (int i = 0; i < n_commands; i++) bash_command(f, &commands[i], false);
  fputs("  esac\n}\ncomplete -F _netc netc\n", f);
  free(words);
}

/* --- zsh --- */

static void zsh_option(FILE *f, const option_line *o) {
  char *words = o->arg ? option_words(o->arg) : NULL;
  if (o->letter)
    fprintf(f, "        '(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter,
            o->arg ? "+" : "", o->name, o->arg ? "=" : "");
  else fprintf(f, "        '--%s%s[", o->name, o->arg ? "=" : "");
  quoted(f, o->what);
  fputs("]", f);
  if (words) fprintf(f, ":%s:(%s)", o->arg, words);
  else if (o->arg) fprintf(f, ":%s:%s", o->arg, option_is_path(o->arg) ? "_files" : " ");
  fputs("' \\\n", f);
  free(words);
}

static void zsh(FILE *f) {
  fputs("#compdef netc\n# zsh completion of netc; made by `netc help --completion=zsh`\n"
        "_netc() {\n  local -a commands\n  commands=(\n",
        f);
  for (int i = 0; i < n_commands; i++) {
    fprintf(f, "    '%s:", commands[i].name);
    quoted(f, commands[i].summary);
    fputs("'\n", f);
  }
  fputs("  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
        "  local command=$words[2]\n  shift words; (( CURRENT-- ))\n  case $command in\n",
        f);
  for (int i = 0; i < n_commands; i++) {
    const command *c = &commands[i];
    option_line o[MAX_OPTIONS];
    const int n = option_list(c->argp, o);
    fprintf(f, "    %s)\n      _arguments -s \\\n", c->name);
    for (int k = 0; k < n; k++) zsh_option(f, &o[k]);
    char *words = takes_commands(c) ? option_words("COMMAND") : NULL;
    if (words) fprintf(f, "        '*:command:(%s)';;\n", words);
    else if (!takes_networks(c) || takes_files_too(c)) fputs("        '*:file:_files';;\n", f);
    else fputs("        '*:network:_files -g \"*.net(-.) *(-/)\"';;\n", f);
    free(words);
  }
  fputs("  esac\n}\n_netc \"$@\"\n", f);
}

/* --- fish --- */

static void fish_option(FILE *f, const command *c, const option_line *o) {
  char *words = o->arg ? option_words(o->arg) : NULL;
  fprintf(f, "complete -c netc -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
  if (o->letter) fprintf(f, " -s %c", o->letter);
  if (words) fprintf(f, " -x -a '%s'", words);
  else if (o->arg) fputs(option_is_path(o->arg) ? " -r -F" : " -x", f);
  fputs(" -d '", f);
  quoted(f, o->what);
  fputs("'\n", f);
  free(words);
}

static void fish(FILE *f) {
  fputs("# fish completion of netc; made by `netc help --completion=fish`\ncomplete -c netc -f\n",
        f);
  for (int i = 0; i < n_commands; i++) {
    const command *c = &commands[i];
    option_line o[MAX_OPTIONS];
    const int n = option_list(c->argp, o);
    fprintf(f, "complete -c netc -n __fish_use_subcommand -a %s -d '", c->name);
    quoted(f, c->summary);
    fputs("'\n", f);
    for (int k = 0; k < n; k++) fish_option(f, c, &o[k]);
    if (takes_commands(c)) {
      char *words = option_words("COMMAND");
      fprintf(f, "complete -c netc -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, words);
      free(words);
    } else if (takes_files_too(c)) {
      fprintf(f, "complete -c netc -n '__fish_seen_subcommand_from %s' -F\n", c->name);
    } else {
      fprintf(f,
              "complete -c netc -n '__fish_seen_subcommand_from %s' -k "
              "-a '(__fish_complete_suffix .net)'\n",
              c->name);
    }
  }
}

bool write_completion(FILE *to, const char *shell) {
  if (!strcmp(shell, "bash")) bash(to);
  else if (!strcmp(shell, "zsh")) zsh(to);
  else if (!strcmp(shell, "fish")) fish(to);
  else return false;
  return true;
}
