"""A scripted editor: starts `netc lsp`, and holds it to its answers."""
import json, os, re, subprocess, tempfile

netc = os.environ.get("NETC", "./netc")
server = subprocess.Popen([netc, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
count = 0


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.stdin.flush()


def receive():
    n = None
    while (line := server.stdout.readline().strip()):
        if line.lower().startswith(b"content-length:"):
            n = int(line.split(b":")[1])
    return json.loads(server.stdout.read(n))


def ask(method, **params):
    global count
    count += 1
    send({"id": count, "method": method, "params": params})
    answer = receive()
    assert answer["id"] == count, answer
    return answer.get("result")


folder = tempfile.mkdtemp(prefix="net c")
uri = "file://" + (folder + "/a.net").replace(" ", "%20")
doc = {"uri": uri}


def change(text):
    send({"method": "textDocument/didChange",
          "params": {"textDocument": doc, "contentChanges": [{"text": text}]}})
    return receive()["params"]["diagnostics"]


def place(text, word, nth=0, offset=0):
    at = -1
    for _ in range(nth + 1):
        at = text.index(word, at + 1)
    before = text[: at + offset]
    last = before.rsplit("\n", 1)[-1]
    return {"line": before.count("\n"), "character": len(last.encode("utf-16-le")) // 2}


assert ask("initialize", capabilities={})["capabilities"]["hoverProvider"]
send({"method": "initialized", "params": {}})
good = """# a network 😀
input 3x32x32; classes 5;
let w = 8;
block unit(c) { conv c k3 p1 relu; }
stem: conv w k3 p1 bn relu;
add { unit w; } @stem;
linear classes;
train { lr 0.05; }
"""
send({"method": "textDocument/didOpen",
      "params": {"textDocument": {**doc, "languageId": "netc", "version": 1, "text": good}}})
note = receive()
assert note["params"] == {"uri": uri, "diagnostics": []}, note

# Errors: place, code, help; the good graph stays for hovering.
(error,) = change(good.replace("k3 p1 bn", "kernel=3 p1 bn"))
assert error["code"] == "E0202" and error["severity"] == 1 and "k3" in error["message"], error
assert error["range"]["start"] == place(good.replace("k3 p1 bn", "kernel=3 p1 bn"), "kernel"), error
assert change("# 😀 ü\ninput 3x32x32; convv 3 k1;")[0]["range"]["start"] == {"line": 1, "character": 15}
assert change(good) == []

at = lambda word, nth=0, offset=1: {"textDocument": doc, "position": place(good, word, nth, offset)}
hover = ask("textDocument/hover", **at("conv", 1))["contents"]["value"]
assert "**stem** 8x32x32, 224 parameters, 221184 multiply-adds" in hover, hover
assert "`k` (needed)" in hover and "2-d convolution" in hover, hover
assert "**fc1** 5" in ask("textDocument/hover", **at("linear"))["contents"]["value"]
assert ask("textDocument/hover", **at("8;")) is None

labels = lambda answer: [i["label"] for i in answer]
first = ask("textDocument/completion", textDocument=doc, position=place(good, "linear", 0, 3))
assert {"linear", "conv", "train", "input"} <= set(labels(first)) and "cross_entropy" not in labels(first)
assert any(i["label"] == "conv" and "convolution" in i["documentation"] for i in first)
inner = labels(ask("textDocument/completion", textDocument=doc, position=place(good, "k3 p1 bn")))
assert {"k", "s", "bias", "relu"} <= set(inner), inner
inner = labels(ask("textDocument/completion", textDocument=doc, position=place(good, "lr 0.05")))
assert {"lr", "batch", "optimizer"} <= set(inner) and "conv" not in inner, inner

target = ask("textDocument/definition", **at("@stem", 0, 2))
assert target["uri"] == uri and target["range"]["start"] == place(good, "stem:"), target
assert ask("textDocument/definition", **at("unit w"))["range"]["start"] == place(good, "unit(")
with open(folder + "/b.net", "w") as f:
    f.write("block other() { conv 8 k1; }\n")
good = 'include "b.net";\n' + good.replace("linear", "other; linear")
assert change(good) == []
assert ask("textDocument/definition", **at("other;"))["uri"].endswith("/b.net")
assert ask("textDocument/definition", **at("b.net"))["uri"].endswith("/b.net")

edits = ask("textDocument/rename", newName="base", **at("stem:"))["changes"][uri]
assert len(edits) == 2 and all(e["newText"] == "base" for e in edits), edits
assert ask("textDocument/rename", newName="x", **at("conv", 1)) is None
(edit,) = ask("textDocument/formatting", textDocument=doc, options={})
assert "other;\nlinear classes;" in edit["newText"], edit
assert ask("textDocument/nothing") is None

# Everything the language has grown: each name where it is known, each word where it may stand.
wide = """# Two towers.
let w = 8;
let s = 2;
# A running mean.
op ema(x[N,T,C], a=0.9) -> h[N,T,C] {
  param gain[c:C] ~ 1;
  scan t:T {
    p[t,n,c] = h[n,t-1,c] for n:N, c:C;
    h[n,t,c] = a * p[t,n,c] + (1 - a) * gain[c] * x[n,t,c] for n:N, c:C;
  }
}
op close(x[N,S..], t[N,S..]) -> l[N] loss { l[n] += abs(x[n,s..] - t[n,s..]) / S; }
left: input 3x16x16; right: input 6x12;
y: target 4; kind: target 1 of 5;
block unit(c, s=1) { stem: conv c k3 s=s p1 relu; add @stem {}; }
a: unit @left w s2;
b: unit @a (2*w);
r: dense @right w ema=0.5;
both: concat { gap @a; } { gap @r; } relu;
value: linear 4;
other: linear @both 5;
train {
  data "x.npz" tokens=bytes; split 0.8; normalize;
  loss close @value @y; loss cross_entropy @other @kind times=0.3;
  optimizer adamw decay=0.1; lr {0.001 0.01}; schedule cosine warmup=2;
  stop val_loss patience=3; augment noise=0.1; good: metric mae @value @y;
}
sweep sizes { w {8 16}; lr {0.1 0.2}; }
"""
good = wide
assert not (wrong := change(wide)), wrong


def hovered(word, nth=0, offset=1):
    return ask("textDocument/hover", **at(word, nth, offset))["contents"]["value"]


def renamed(word, nth=0, offset=1, to="zz"):
    edits = ask("textDocument/rename", newName=to, **at(word, nth, offset))["changes"][uri]
    lines = wide.split("\n")
    for e in reversed(edits):
        b, e_, n = e["range"]["start"], e["range"]["end"], e["newText"]
        assert b["line"] == e_["line"]
        lines[b["line"]] = lines[b["line"]][:b["character"]] + n + lines[b["line"]][e_["character"]:]
    text = "\n".join(lines)
    assert text != wide and change(text) == [], text  # what is renamed everywhere is right again
    assert change(wide) == []
    return len(edits)


def offered(word, nth=0, offset=0):
    return labels(ask("textDocument/completion", textDocument=doc, position=place(wide, word, nth, offset)))


assert "op ema(x[N,T,C], a=0.9)" in hovered("ema=") and "A running mean." in hovered("ema=")
assert "`block unit(c, s=1)`" in hovered("unit @left")
assert "**left** 3x16x16" in hovered("@left"), hovered("@left")
assert "**r.ema1** 8x12" in hovered("@r;", 0, 2), hovered("@r;", 0, 2)
assert "8x8x8" in hovered("unit @a", 0, 6)
assert "**right** 6x12" in hovered("input 6")
assert "`s=1`, of the block `unit`" in hovered("s2") and "`let w = 8`" in hovered("w {8")
assert "`k` (needed) of `conv`" in hovered("k3") and "`decay=0.01` of `adamw`" in hovered("decay")
for word in ("scan", "param", "abs", "normalize", "schedule", "cosine", "warmup", "patience", "noise",
             "times", "tokens", "sweep", "train", "target", "kind: target"):
    assert ask("textDocument/hover", **at(word)), word
assert renamed("let w", 0, 4) == 5 and renamed("a: unit", 0, 0) == 3 and renamed("gain") == 2
assert renamed("unit(") == 3 and renamed("@right", 0, 2) == 2 and renamed("op ema", 0, 3) == 2
assert renamed("s=1", 0, 0) == 3 and renamed("stem") == 2 and renamed("close(") == 2
assert renamed("let s", 0, 4) == 1 and renamed("t:T", 0, 0) == 6
for to in ("left", "2x", "train", "a b"):
    assert ask("textDocument/rename", newName=to, **at("right")) is None, to
assert ask("textDocument/prepareRename", **at("relu")) is None
assert ask("textDocument/prepareRename", **at("@both", 0, 2))["start"] == place(wide, "@both", 0, 1)
assert len(ask("textDocument/references", context={}, **at("unit"))) == 3
outline = [s["name"] for s in ask("textDocument/documentSymbol", textDocument=doc)]
assert {"w", "ema", "unit", "left", "both"} <= set(outline) and "gain" not in outline, outline
assert {"left", "right", "a", "both"} <= set(offered("@value", 0, 1)) and "conv" not in offered("@value", 0, 1)
assert "stem" not in offered("@value", 0, 1) and "stem" in offered("@stem", 0, 1)
assert {"times", "weights"} <= set(offered("times")) and {"close", "mse"} <= set(offered("close @"))
assert {"adamw", "sgd"} <= set(offered("adamw")) and {"decay", "beta1"} <= set(offered("decay"))
assert {"c", "s", "w", "weights="} <= set(offered("w s2")) and "p=same" in offered("k3")
assert {"scan", "param", "exp", "gain", "a"} <= set(offered("h[n,t,c]")) and "relu" not in offered("gain[c]")
assert {"net", "lr", "w"} <= set(offered("w {8")) and offered("x.npz") == [] and offered("Two", 0, 1) == []

# The lists of words are those of the compiler: it names them itself where one is wrong.
for statement, wrong in (("data", 'data "a" zzz=1'), ("stop", "stop zzz"), ("augment", "augment zzz"),
                         ("schedule", "schedule zzz")):
    (error,) = change("input 3x8x8; target 4; linear 4; train { %s; }" % wrong)
    named = {n for n in re.findall("`(\\w+)`", error["message"])} - {"zzz", statement}
    assert len(named) >= 6, error
    wide = "input 3x8x8; target 4; linear 4; train { %s ; }" % statement
    change(wide)
    assert named <= set(offered(" ; }", 0, 1)), (named, offered(" ; }", 0, 1))
readers = re.search(r"readers\[\] = \{(.*?)\};", open("compiler/graph/traincfg.c").read(), re.S)[1]
wide = "input 3; linear 4; train { }"
change(wide)
assert set(re.findall(r'\{"(\w+)"', readers)) == set(offered("}"))
functions = re.findall(r'^SCALAR\(\w+, "([a-z]+)", \d, \d+, (?:PLAIN|OWN)', open("compiler/nest/scalar.def").read(), re.M)
wide = "op f(x[N]) -> y[N] { y[n] = x[n]; }"
change(wide)
assert set(functions) <= set(offered("x[n];"))

# A part that others include is not wrong; a mistake in what is included shows at the include.
(remark,) = change("block unit() { conv 8 k1; }\n")
assert remark["severity"] == 3, remark
with open(folder + "/b.net", "w") as f:
    f.write("block other() { convv 8 k1; }\n")
wide = 'include "b.net"; input 3x8x8; classes 2; other; linear classes;'
wrong = [d for d in change(wide) if d["severity"] == 1]
assert wrong and "/b.net:1:17" in wrong[0]["message"], wrong
assert wrong[0]["range"]["start"] == place(wide, "b.net")
with open(folder + "/b.net", "w") as f:
    f.write("block other() { conv 8 k1; }\n")
good = wide
assert change(wide) == [] and "other" in offered("linear")
both_files = ask("textDocument/rename", newName="base", **at("other;"))["changes"]
assert len(both_files) == 2 and sum(map(len, both_files.values())) == 2, both_files
# What `netc lint` warns of shows as well.
assert [d["code"] for d in change("input 3x8x8; classes 2; conv 8 k3 sigmoid; linear classes;")] == ["W0102"]

# What is not a network at all, and what is cut off anywhere, has its answers too.
for text in ("", "}", "{{{", "op", "op f", "op f(", "block", "block u(", "let", "@", "a:", "train {", '"', "#", "\xff{",
             "((((", "repeat", "sweep s { w {", "test f("):
    wide = text
    change(text)
    end = {"line": 0, "character": len(text)}
    for what in ("hover", "completion", "definition", "prepareRename", "references"):
        ask("textDocument/" + what, textDocument=doc, position=end, context={})

# A file of 500 lines, typed in.
long = "input 3x32x32; classes 5;\n" + "conv 16 k3 p1 bn relu;\n" * 497 + "linear classes;\n"


def cpu_seconds():
    fields = open(f"/proc/{server.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


ROUNDS = 30
before = cpu_seconds()
for i in range(ROUNDS):
    assert change(long + "# %d\n" % i) == []
spent = (cpu_seconds() - before) / ROUNDS
print("500 lines: %.1f ms" % (1000 * spent))
assert spent < 0.06, spent  # a third of it is usual; a machine at work makes it 20 ms, trying every operator 70
assert ask("shutdown") is None
send({"method": "exit"})
assert server.wait(10) == 0
print("ok   lsp")
