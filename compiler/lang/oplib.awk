# Writes the operator texts as a C table: awk -f oplib.awk compiler/ops/*.op > oplib.c
BEGIN { print "#include \"lang/opdef.h\"\nconst oplib_entry oplib[] = {" }
FNR == 1 { if (NR > 1) print "  },"; sub(/^.*\//, "ops/", FILENAME); printf "  {\"%s\",\n", FILENAME; n++ }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "   \"%s\\n\"\n", $0 }
END { print "  },\n};\nconst int oplib_n = " n ";" }
