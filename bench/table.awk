# Markdown tables from the lines of bench/run.sh: medians over the rounds, and how many times
# slower than netc the best of the others is. Input: one flat JSON object a line.

function member(name,    s) {
  if (!match($0, "\"" name "\": *(\"[^\"]*\"|[-+0-9.eE]+)")) return ""
  s = substr($0, RSTART, RLENGTH)
  sub("^\"" name "\": *", "", s)
  gsub("\"", "", s)
  return s
}

function add_once(list, word,    i) { # appends to list[1..list[0]] what is not there yet
  for (i = 1; i <= list[0]; i++) if (list[i] == word) return
  list[++list[0]] = word
}

function median(key,    n, i, j, v, a) {
  n = split(values[key], a, " ")
  for (i = 2; i <= n; i++) {
    v = a[i] + 0
    for (j = i - 1; j > 0 && a[j] + 0 > v; j--) a[j + 1] = a[j]
    a[j + 1] = v
  }
  return n % 2 ? a[(n + 1) / 2] + 0 : (a[n / 2] + a[n / 2 + 1]) / 2
}

function shown(x) {
  return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : x >= 0.1 ? "%.2f" : "%.3f", x)
}

{
  what = member("what"); net = member("net"); threads = member("threads"); peer = member("peer")
  if (what == "") next
  key = what SUBSEP net SUBSEP threads SUBSEP peer
  values[key] = values[key] " " member("ms")
  memory[key] = member("peak_mb")
  add_once(whats, what); add_once(nets, net); add_once(counts, threads); add_once(peers, peer)
}

function table(what,    n, t, p, v, key, part, mine, best, row, heading, rule, use, used) {
  heading = "| network | threads |"; rule = "|---|---|"
  for (p = 1; p <= peers[0]; p++) {
    used = 0
    for (key in values) {
      split(key, part, SUBSEP)
      if (part[1] == what && part[4] == peers[p]) used = 1
    }
    if ((use[p] = used)) { heading = heading " " peers[p] " |"; rule = rule "---|" }
  }
  print heading " best other / netc |\n" rule "---|"
  for (n = 1; n <= nets[0]; n++) for (t = 1; t <= counts[0]; t++) {
    row = ""; mine = 0; best = 0
    for (p = 1; p <= peers[0]; p++) if (use[p]) {
      key = what SUBSEP nets[n] SUBSEP counts[t] SUBSEP peers[p]
      if (!(key in values)) { row = row " |"; continue }
      v = median(key)
      if (peers[p] == "netc") mine = v
      else if (!best || v < best) best = v
      row = row " " shown(v) " |"
    }
    if (row ~ /[0-9]/)
      print "| " nets[n] " | " counts[t] " |" row " " (mine && best ? shown(best / mine) : "") " |"
  }
  print ""
}

function whole_table(    w, t, p, key) {
  print "| process, network `emoji` | threads | wall time, ms | peak memory, MB |\n|---|---|---|---|"
  for (w = 1; w <= whats[0]; w++) for (p = 1; p <= peers[0]; p++) for (t = 1; t <= counts[0]; t++) {
    key = whats[w] SUBSEP "emoji" SUBSEP counts[t] SUBSEP peers[p]
    if (memory[key] != "")
      print "| " peers[p] ", " title[whats[w]] " | " counts[t] " | " shown(median(key)) " | " \
            shown(memory[key]) " |"
  }
  print ""
}

END {
  title["train_step"] = "Training step, ms"
  title["infer1"] = "Inference, one image, ms"
  title["infer32"] = "Inference, 32 images, ms"
  title["compile"] = "Compiling, ms"
  title["cold"] = "start to the end of the first epoch"
  title["16 epochs"] = "the whole training, 16 epochs"
  title["import only"] = "nothing else"
  split("train_step infer1 infer32 compile", order, " ")
  for (w = 1; w <= 4; w++) {
    for (i = 1; i <= whats[0]; i++) if (whats[i] == order[w]) {
      print "**" title[order[w]] "**\n"
      table(order[w])
      break
    }
  }
  whole_table()
}
