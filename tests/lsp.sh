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
vim.lsp.start_client = vim.lsp.start_client or vim.lsp.start
local id = vim.lsp.start_client({ name = "netc", cmd = { "$netc", "lsp" }, root_dir = "$tmp" })
vim.cmd("edit $tmp/a.net")
vim.lsp.buf_attach_client(0, id)
local function wait(f) return vim.wait(5000, f, 20) end
local out = io.open("$tmp/out", "w")
wait(function() return #vim.diagnostic.get(0) > 0 end)
for _, d in ipairs(vim.diagnostic.get(0)) do out:write(d.lnum + 1, ":", d.col + 1, ": ", d.message:gsub("\n", " "), "\n") end
vim.api.nvim_buf_set_lines(0, 1, 2, false, { "conv 16 k3;" })
wait(function() return #vim.diagnostic.get(0) == 0 end)
out:write("left ", #vim.diagnostic.get(0), "\n")
local r = vim.lsp.buf_request_sync(0, "textDocument/hover", { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 1, character = 1 } }, 5000)
for _, a in pairs(r or {}) do out:write(a.result.contents.value:sub(1, 40), "\n") end
out:write(vim.bo.filetype, " ", vim.fn.synIDattr(vim.fn.synID(2, 1, 1), "name"), "\n")
out:close()
vim.cmd("qa!")
END
timeout 60 nvim --headless -u "$tmp/init.lua" >/dev/null 2>"$tmp/err" </dev/null
grep -q "^2:9: .*kernel" "$tmp/out" && grep -q "^left 0" "$tmp/out" && grep -q "conv1.. 16x30x30" "$tmp/out" &&
  grep -q "^netc netcLayer" "$tmp/out" || { echo "FAILED: Neovim"; cat "$tmp/out" "$tmp/err"; exit 1; }
echo "ok   Neovim"
