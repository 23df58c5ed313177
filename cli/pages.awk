# Writes the pages of messages as a C table: awk -f pages.awk docs/errors/*.md > pages.c
BEGIN { print "#include \"cli/pages.h\"\nconst error_page error_pages[] = {" }
FNR == 1 { if (NR > 1) print "  },"; code = FILENAME; sub(/^.*\//, "", code); sub(/\.md$/, "", code); printf "  {\"%s\",\n", code; n++ }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "   \"%s\\n\"\n", $0 }
END { print "  },\n};\nconst int n_error_pages = " n ";" }
