autocmd BufRead,BufNewFile *.net,*.op setfiletype netc
