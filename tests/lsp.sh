#!/bin/sh
# netc lsp, asked by a scripted editor (PYTHON) and by Neovim, where there are such.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
python=${PYTHON:-python3}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
printf 'Content-Length: 2\r\n\r\n{}Content-Length: 99999999999\r\n\r\n' | timeout 10 "$netc" lsp
[ $? -eq 1 ] || { echo "FAILED: nonsense does not end the server"; exit 1; }
"$python" -c '' 2>/dev/null || { echo "skipped: no $python"; exit 77; }
NETC=$netc timeout 120 "$python" tests/lsp.py || { echo "FAILED: tests/lsp.py"; exit 1; }
command -v nvim >/dev/null || { echo "no nvim: only the scripted editor"; exit 0; }
printf 'input 3x32x32; classes 5;\nconv 16 kernel=3;\nlinear classes;\n' >"$tmp/a.net"
cat >"$tmp/init.lua" <<END
vim.opt.runtimepath:prepend("$PWD/examples/editors/vim")
vim.cmd("filetype plugin on | syntax on")
$(sed -n '/^```lua/,/^```$/p' docs/editors.md | grep -v '^```' | sed "s|{ \"netc\", \"lsp\" }|{ \"$netc\", \"lsp\" }|")
vim.cmd("edit $tmp/a.net")
local function wait(f) return vim.wait(5000, f, 20) end
local out = io.open("$tmp/out", "w")
wait(function() return #vim.diagnostic.get(0) > 0 end)
for _, d in ipairs(vim.diagnostic.get(0)) do out:write(d.lnum + 1, ":", d.col + 1, ": ", d.message:gsub("\n", " "), "\n") end
vim.api.nvim_buf_set_lines(0, 1, 2, false, { "conv 16 k3;" })
wait(function() return #vim.diagnostic.get(0) == 0 end)
out:write("left ", #vim.diagnostic.get(0), "\n")
local r = vim.lsp.buf_request_sync(0, "textDocument/hover", { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 1, character = 1 } }, 5000)
for _, a in pairs(r or {}) do out:write(a.result.contents.value:sub(1, 40), "\n") end
local function ask(method, line, column, more)
  local params = vim.tbl_extend("force", { textDocument = vim.lsp.util.make_text_document_params(), position = { line = line, character = column } }, more or {})
  for _, a in pairs(vim.lsp.buf_request_sync(0, method, params, 5000) or {}) do return a.result end
end
vim.lsp.util.apply_workspace_edit(ask("textDocument/rename", 0, 1, { newName = "x" }) or { changes = {} }, "utf-16")
vim.api.nvim_buf_set_lines(0, 1, 2, false, { "a: conv 16 k3; relu; add @a {};" })
wait(function() return ask("textDocument/definition", 1, 27) ~= nil end)
vim.lsp.util.apply_workspace_edit(ask("textDocument/rename", 1, 27, { newName = "stem" }), "utf-16")
vim.lsp.util.apply_text_edits(ask("textDocument/formatting", 0, 0, { options = {} }), 0, "utf-16")
out:write(vim.api.nvim_buf_get_lines(0, 2, 3, false)[1], "\n", vim.api.nvim_buf_get_lines(0, 4, 5, false)[1], "\n")
for _, i in ipairs(ask("textDocument/completion", 2, 12)) do if i.label == "bias" then out:write("offers bias\n") end end
out:write(vim.bo.omnifunc, "\n")
out:write(vim.bo.filetype, " ", vim.fn.synIDattr(vim.fn.synID(3, 7, 1), "name"), "\n")
out:close()
vim.cmd("qa!")
END
timeout 60 nvim --headless -u "$tmp/init.lua" >/dev/null 2>"$tmp/err" </dev/null
grep -q "^2:9: .*kernel" "$tmp/out" && grep -q "^left 0" "$tmp/out" && grep -q "conv1.. 16x30x30" "$tmp/out" &&
  grep -q "^stem: conv 16 k3;" "$tmp/out" && grep -q "^add @stem {};" "$tmp/out" && grep -q "^offers bias" "$tmp/out" &&
  grep -q "lua.vim.lsp.omnifunc" "$tmp/out" && grep -q "^netc netcLayer" "$tmp/out" || { echo "FAILED: Neovim"; cat "$tmp/out" "$tmp/err"; exit 1; }
echo "ok   Neovim"
