# Prints the format of every diag_error and diag_warning in the files named, a line each, with
# "error" or "warning" before it; a format that is no literal as `file: ?`.
use strict;
use warnings;
for my $file (@ARGV) {
  local $/;
  open(my $h, '<', $file) or die "$file: $!";
  my $s = <$h>;
  while ($s =~ /\b(?:diag_(error|warning)|(fail|wrong|check_program|read_error))\s*\(/g) {
    my ($kind, $helper, $i, $depth, @arg) = ($1 // 'error', $2, pos($s), 1, '');
    while ($depth > 0 && $i < length $s) {
      my $c = substr($s, $i++, 1);
      if ($c eq '"') {
        $arg[-1] .= $c;
        while (($c = substr($s, $i++, 1)) ne '"') {
          $arg[-1] .= $c;
          $arg[-1] .= substr($s, $i++, 1) if $c eq '\\';
        }
      }
      $depth++ if $c =~ /[({]/;
      $depth-- if $c =~ /[)}]/;
      if ($c eq ',' && $depth == 1) { push @arg, '' }
      elsif ($depth > 0) { $arg[-1] .= $c }
    }
    my $format = $arg[$helper ? 2 : 3] // '';
    next if $format =~ /const char \*/ || ($helper && $format !~ /"/);
    next if $helper && $file !~ m{lang/opdef|product/onnx|graph/opcheck|passes/operand};
    my @parts = split /\?|:(?=\s*")/, $format;
    for my $part (@parts == 3 ? @parts[1, 2] : $format) {
      $part =~ s/PRI[a-z]64/"ld"/g;
      my $text = join '', $part =~ /"((?:[^"\\]|\\.)*)"/g;
      $text = '?' if $part !~ /"/;
      next if $text eq '?' && $file =~ m{lang/opdef|product/onnx|graph/opcheck|passes/operand};
      print $text eq '?' ? "$file: ?\n" : "$kind $text\n";
    }
  }
}
