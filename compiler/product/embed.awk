# Writes LLVM IR files as a C table: awk -f embed.awk a.ll b.ll > embed.c
BEGIN { print "#include \"product/object_embed.h\"\nconst char *const embed_ir[] = {" }
FNR == 1 && NR > 1 { print "  ," }
# What belongs to the machine that the text was made for, and not to its meaning.
/^(target |source_filename|!llvm\.)/ { next }
{
  gsub(/"(target-cpu|target-features|tune-cpu|frame-pointer|min-legal-vector-width|stack-protector-buffer-size)"="[^"]*"/, "")
  gsub(/\\/, "&&"); gsub(/"/, "\\\""); printf "   \"%s\\n\"\n", $0
}
END { print "  };\nconst int embed_ir_n = sizeof embed_ir / sizeof *embed_ir;" }
