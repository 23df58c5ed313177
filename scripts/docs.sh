#!/bin/sh
# docs.sh FOLDER: the documentation as a site of plain pages (cmark makes HTML of Markdown; Debian: cmark).
set -eu
out=$1
command -v cmark >/dev/null || { echo "cmark is missing (Debian: cmark)" >&2; exit 1; }
mkdir -p "$out"
tasks="task-classify-pictures task-fine-tune task-predict-a-number task-microcontroller task-compare-two-ideas"
pages="README $(cd docs && ls *.md | sed 's/\.md$//') CHANGELOG CONTRIBUTING"

title() { sed -n 's/^# //p' "$1" | head -n 1; }
source_of() { [ -e "$1.md" ] && echo "$1.md" || echo "docs/$1.md"; }
name_of() { [ "$1" = README ] && echo index || echo "$1"; }
link() { printf '<a href="%s.html"%s>%s</a>\n' "$(name_of "$1")" "$2" "$(title "$(source_of "$1")" | sed 's/&/\&amp;/g; s/</\&lt;/g')"; }
menu() { # menu CURRENT
  for p in README $tasks; do link "$p" "$([ "$p" = "$1" ] && echo ' class="here"')"; done
  printf '<hr>\n'
  for p in $pages; do
    case " README $tasks " in *" $p "*) continue ;; esac
    link "$p" "$([ "$p" = "$1" ] && echo ' class="here"')"
  done
}
# cmark knows no tables: those of GitHub's Markdown become HTML first.
tables() {
  awk 'function cells(line, tag,   n, c, i, s, code, out, ch) {
         sub(/^\| */, "", line); sub(/ *\|[ ]*$/, "", line)
         gsub(/\\\|/, "\001", line)
         n = split(line, c, / *\| */); s = "<tr>"
         for (i = 1; i <= n; i++) { gsub(/\001/, "|", c[i]); s = s "<" tag ">\n\n" c[i] "\n\n</" tag ">" }
         return s "</tr>" }
       /^```/ { fence = !fence }
       !fence && /^\|/ { if (!t) { print "<table>"; t = 1; print cells($0, "th"); next }
                         if ($0 ~ /^\|[-| :]*$/) next
                         print cells($0, "td"); next }
       t { print "</table>\n"; t = 0 }
       { print }
       END { if (t) print "</table>" }' "$1"
}
for p in $pages; do
  file=$(source_of "$p")
  {
    cat <<END
<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>netc: $(title "$file" | sed 's/&/\&amp;/g; s/</\&lt;/g')</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
:root{--bg:#fff;--fg:#1c1c1e;--soft:#5c5c63;--line:#d9d9de;--card:#f6f6f8;--link:#0059a8}
@media(prefers-color-scheme:dark){:root{--bg:#161618;--fg:#ececf0;--soft:#a5a5ad;--line:#3a3a40;--card:#1f1f23;--link:#7cc0f5}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}nav{padding:1rem;border-bottom:1px solid var(--line);display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.9rem}
nav hr{display:none}nav a{text-decoration:none}nav .here{font-weight:600;color:var(--fg)}main{padding:1rem;max-width:56rem;min-width:0}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;overflow-x:auto;font:13px/1.5 ui-monospace,monospace;overflow-wrap:normal}
code{font:.9em ui-monospace,monospace}table{border-collapse:collapse;display:block;overflow-x:auto;font-size:.9rem}
th,td{border:1px solid var(--line);padding:.2rem .5rem;text-align:left;vertical-align:top;overflow-wrap:normal}th p,td p{margin:0}th{background:var(--card)}
@media(min-width:70rem){body{display:grid;grid-template-columns:16rem 1fr}nav{display:block;border:0;border-right:1px solid var(--line);min-height:100vh}
nav a{display:block;padding:.15rem 0}nav hr{display:block;border:0;border-top:1px solid var(--line)}}
</style></head><body><nav>
END
    menu "$p"
    printf '</nav><main>\n'
    tables "$file" | cmark --unsafe |
      sed -E 's#href="(\.\./)?README\.md"#href="index.html"#g; s#href="(docs/|\.\./docs/)?([a-z-]+)\.md(\#[^"]*)?"#href="\2.html\3"#g; s#href="(\.\./)?(CONTRIBUTING|CHANGELOG)\.md"#href="\2.html"#g'
    printf '</main></body></html>\n'
  } > "$out/$(name_of "$p").html"
done
echo "$out/index.html: $(ls "$out"/*.html | wc -l) pages"
