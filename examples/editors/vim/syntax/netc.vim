" Vim syntax for netc's networks (.net) and operators (.op).
if exists("b:current_syntax")
  finish
endif
" The first word of a statement is a layer; settings are k3, s=2, p1x2.
syn match netcLayer /\%(\%(^\|[;{}]\)\s*\%(\h\w*:\s*\)\?\)\@80<=\<\h\w*/
syn match netcSetting /\<\h\w*\ze=/
syn match netcShort /\<[a-z]\d\+\%(x\d\+\)\?\>/
syn match netcNumber /\<\d[0-9.]*\%(e[-+]\?\d\+\)\?\%(x\d\+\)*\>/
syn match netcLabel /\<\h\w*\ze:\|@\h\w*/
syn keyword netcStatement input classes target train sweep block repeat let include op test
syn keyword netcStatement shared frozen
syn keyword netcStatement param state file when int pair as for if else infer need onnx scan
syn match netcTraining /\%(\%(^\|[;{}]\)\s*\%(\h\w*:\s*\)\?\)\@80<=\<\%(data\|split\|loss\|metric\|optimizer\|lr\|batch\|epochs\|seed\|schedule\|clip\|average\|stop\|augment\|normalize\|shards\)\>/
syn region netcString start=/"/ end=/"\|$/
syn match netcComment /#.*$/ contains=@Spell
hi def link netcLayer Function
hi def link netcSetting Identifier
hi def link netcShort Identifier
hi def link netcNumber Number
hi def link netcLabel Label
hi def link netcStatement Statement
hi def link netcTraining Type
hi def link netcString String
hi def link netcComment Comment
let b:current_syntax = "netc"
