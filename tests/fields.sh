#!/bin/sh
# Data sets that are not labelled images: tables, arrays by name, texts; from file to prediction.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

# --- a table: words and numbers, classes by name; the same rows as TSV, quoted, with CRLF and a BOM ---
awk 'BEGIN { srand(1); print "id,size,colour,kind"; for (i = 1; i <= 300; i++) {
  c = int(3 * rand()); s = rand(); k = s + 0.5 * (c == 1) > 0.7 ? "big" : "small";
  printf "%d,%.4f,%s,%s\n", i, s, c == 0 ? "red" : c == 1 ? "green" : "dark blue", k } }' > a.csv
tr ',' '\t' < a.csv > a.tsv
awk -F, '{ printf "\"%s\",\"%s\",\"%s\",\"%s\"\r\n", $1, $2, $3, $4 }' a.csv > plain.csv
{ printf '\357\273\277'; cat plain.csv; } > b.csv
cat > a.net <<END
input 4; classes 2;
linear 16 relu; linear classes;
train { data "a.csv" drop={id}; normalize; lr 0.1; batch 10; epochs 30; seed 1; optimizer sgd momentum=0.9; }
END
exits 0 train a.net -o a; says 'target is the column `kind`'
for f in a.tsv b.csv; do
  exits 0 train a.net --data $f -o other --force
  [ "$(cut -d, -f1-5 a/metrics.csv)" = "$(cut -d, -f1-5 other/metrics.csv)" ]; ok "$f trains to other numbers"
done
# A file that names no data set takes --data.
sed 's/data "a.csv" drop={id};//; s/input 4/input 5/; s/epochs 30/epochs 1/' a.net > unnamed.net
exits 0 train unnamed.net --data a.csv -o unnamed
printf 'n\233me;kind\n1;\223a\224\n2;\200\n3;\302\233b\n' > windows.csv
exits 0 data windows.csv; prints '^n›me '; prints '?b, “a”, €'
awk -F, 'END { exit !($5 > 0.95) }' a/metrics.csv; ok "the table is not learned"
exits 0 eval a; prints 'small'
head -4 a.csv | cut -d, -f2,3 > new.csv
exits 0 predict a new.csv; prints 'small\|big'
printf 'size,colour\n0.5,purple\n' > new.csv
exits 1 predict a new.csv; says '`purple` is no value of `colour`'
printf 'colour,weight\nred,1\n' > new.csv
exits 1 predict a new.csv; says 'no column `size`'
exits 0 data a.csv; prints 'dark blue'; prints 'numbers'

# --- tables as other people write them ---
awk 'BEGIN { print "area,rate,kind,price"; for (i = 0; i < 40; i++)
  printf "\"%d,%03d\",%d.5%%,K\366ln,\"$%d,%03d.25\"\n", i + 1, i, i, i + 1, i + 2 }' > written.csv
exits 0 data written.csv; prints 'area  *numbers  *1  *1000 to 40039'; prints 'rate  *numbers  *1  *0.5 to 39.5'
prints 'price  *numbers  *1  *1002.25 to 40041.2'; prints 'Köln'
printf 'a,"the ""net"" price"\n1,2\n3,5\n4,1\n5,2\n' > quoted.csv
exits 0 new quoted.csv -o quoted.net; exits 0 check quoted.net; exits 0 train quoted.net --epochs 1 -o quoted
# Rows to come: columns that are not needed may miss values, words that were never seen count as missing.
awk 'BEGIN { srand(2); print "id,deck,x,won"; for (i = 0; i < 200; i++) { x = rand()
  printf "%d,%s,%.3f,%d\n", i, (i % 3 ? "A" i % 2 : ""), x, (x > 0.5) } }' > deck.csv
exits 0 new deck.csv -o deck.net; says 'target is the column `won`; --target'
exits 0 train deck.net --epochs 1 -o deck
printf 'id,deck,x,won\n,C7,0.3,\n2,A1,,\n' > rows.csv
exits 0 predict deck rows.csv; says '1 value of `deck` that the network was not trained on counts as missing'
sed 's/won/Survived/; s/id,deck/Survivors,deck/' deck.csv | awk -F, '{ print $4 "," $3 "," $2 }' > first.csv
exits 0 new first.csv; prints 'target="Survived"'
exits 0 new first.csv --target deck; prints 'target="deck"'
# One class is nothing to tell.
awk 'BEGIN { print "x,kind"; for (i = 0; i < 30; i++) print i % 7 ",same" }' > same.csv
exits 1 new same.csv; says 'nothing to tell'

# --- sentences in a table: their characters, not a column for each sentence ---
awk 'BEGIN { srand(3); print "kind,message"; split("lunch,home,tomorrow,meeting", a, ","); split("prize,cash,winner,claim", b, ",")
  for (i = 0; i < 240; i++) { spam = i % 3 == 0; w = spam ? b[int(4 * rand()) + 1] : a[int(4 * rand()) + 1]
    printf "%s,\"so, about the %s of number %d, d\303\251j\303\240 vu\"\n", spam ? "spam" : "ham", w, int(1000 * rand()) } }' > mail.csv
exits 0 new mail.csv --target kind -o mail.net
grep -q 'characters of `message`' mail.net; ok 'netc new of sentences'
grep -q 'input 48 of 3[0-9];' mail.net; ok 'their length'
exits 0 train mail.net --epochs 12 --seed 2 -o mail
awk -F, 'END { exit !($5 > 0.9) }' mail/metrics.csv; ok 'sentences are not learned'
sed '1d; s/,"/\t/; s/"$//' mail.csv > mails.txt
exits 0 new mails.txt; prints 'target="column1"'; prints 'input 48 of'
printf 'message\n"so, about the cash of number 7, d\303\251j\303\240 \342\202\254"\n' > one.csv
exits 0 predict mail one.csv; prints 'spam'
printf 'message\n12\n13\n' > one.csv
exits 1 predict mail one.csv; says 'trained on text'
sed 's/input 48 of [0-9]*/input 20 of 9/' mail.net > short.net
exits 1 train short.net -o short; says 'write `input 20 of '
sed 's/input 48/input 20/' mail.net > short.net
exits 0 train short.net --epochs 1 -o short; says '240 of 240 texts in `message` are longer than 20 characters'

# A comma is a mark where one column of the table can be read so only.
printf 'a,b\n"1,23",1\n"12,345",2\n' > odd.csv
exits 0 data odd.csv; prints 'a  *numbers  *1  *1.23 to 12.345'
printf 'a,b,c\n"1,234","0,5",3\n"12,345","2,5",4\n' > odd.csv
exits 0 data odd.csv; prints 'a  *numbers  *1  *1.234 to 12.345'
printf 'a,b\n"1,234,5",1\n"12,345",2\n' > odd.csv
exits 0 data odd.csv; prints 'a  *words'
printf 'm;miete\n1;1.234,50\n2;987,25\n3;12.000,75\n' > miete.csv
exits 0 data miete.csv; prints 'miete  *numbers  *1  *987.25 to 12000.8'
# A first row whose words stand again below it is no header.
awk 'BEGIN { for (i = 0; i < 40; i++) print (i % 2 ? "e" : "p") "," (i % 3 ? "x" : "b") "," (i % 5 ? "t" : "f") }' > words.csv
exits 0 data words.csv; prints '40 samples'; prints 'column1'
# What gzip compressed is read as it is distributed.
gzip -kf a.csv; exits 0 data a.csv.gz; prints '300 samples'
head -c 900 a.csv.gz > cut.csv.gz; exits 1 data cut.csv.gz; says 'damaged or cut short'
gzip -c a.csv.gz > twice.csv.gz; exits 1 data twice.csv.gz; says 'compressed twice'
head -c 60000000 /dev/zero | gzip -9 | gzip -d | head -c 100000000 | gzip -9 > zeros.gz
exits 1 data zeros.gz
awk 'BEGIN { for (i = 0; i < 40; i++) printf "  %d.0   %6.2f\t%s  %d  \"ford no %d\"\n", i, i / 4, i == 3 ? "?" : i, i % 3 + 1, i % 5 }' > blanks.data
exits 1 data blanks.data; says 'line 4 has no value for `column3`'
sed -i 's/?/7/' blanks.data
exits 0 data blanks.data; prints '40 samples'; prints 'column2  *numbers  *1  *0 to 9.75'; prints 'ford no 0'
awk 'BEGIN { for (i = 0; i < 40; i++) printf "%d + %d = %d\n", i, i, 2 * i }' > sums.txt
exits 0 data sums.txt; prints 'characters'
awk 'BEGIN { for (i = 0; i < 40; i++) printf "%d\t%d\t\t%d\n", i, i, i }' > gaps.tsv
exits 0 data gaps.tsv; prints 'column4'
awk 'BEGIN { print "mark\ttext"; for (i = 0; i < 40; i++) printf "%d\tit was, well, number %d, so\n", i % 2, i }' > commas.tsv
sed 1d commas.tsv > bare.tsv
for f in commas.tsv bare.tsv; do exits 0 data $f; prints '40 different: it was, well, number 0, so'; done

# --- three parts: the test split is looked at by `netc eval --part test` only ---
sed 's/epochs 30/epochs 2; split 0.8\/0.1\/0.1/' a.net > three.net
exits 0 train three.net -o three; says '30 samples are kept for a test'
exits 0 eval three --part test; prints 'samples   30'
exits 0 eval three; prints 'samples   30'
exits 1 eval a --part test; says 'leaves no sample for the test'
exits 0 train three.net --split 100/50/20 --seed 5 -o three --force
exits 0 eval three; prints 'samples   50'; cp out a.out
exits 0 eval three --part test; prints 'samples   20'
exits 0 eval three.net --weights three/best.safetensors --split 100/50/20 --seed 5; cmp -s out a.out; ok "a run's split is not its own"
exits 0 train three.net --split 1.0 -o three --force; exits 1 eval three; says 'no sample for validation'
sed 's/epochs 30/epochs 2; split 200\/60\/40 end/' a.net > end.net
exits 0 train end.net -o end; exits 0 eval end --part test; cp out a.out
tail -40 a.csv > te.csv; { head -1 a.csv; sed -n '202,261p' a.csv; } > va.csv; head -201 a.csv > tr.csv
sed 's/epochs 30/epochs 2/; s/"a.csv"/"tr.csv" val="va.csv" test="te.csv"/' a.net > files.net
exits 0 train files.net -o files; exits 0 eval files --part test
sed 1,3d out > b.out; sed 1,3d a.out > c.out; [ "$(head -3 out)" = "$(head -3 a.out)" ]; ok "files and parts by the end differ"
printf 'size,id\n1,2\n' > va.csv; exits 1 train files.net -o files --force; says '`va.csv`: line 1 has 2 cells'
exits 1 train files.net --split 5/5/290 --force -o files
cat > bad.net <<END
input 4; classes 2; linear classes; train { data "a.csv"; split 0.8/0.3; }
END
exits 1 train bad.net; says '`split` takes counts'

# --- pictures of other proportions: fit= travels with the weights; parts are folders ---
mkdir -p pics/train/a "pics/train/b c" pics/val/a pics/test/"b c"
for d in train/a "train/b c" val/a "test/b c"; do
  for i in 1 2; do cp "$(ls "$root"/examples/emoji/images/*.png | sed -n "${i}p")" "pics/$d/I $i.PNG"; done
done
echo text > pics/train/a/notes.txt; echo GIF89a............ > pics/test/"b c"/x.gif
cat > pics.net <<END
input 3x24x16; classes 2; gap; linear classes;
train { data "pics" fit=pad; lr 0.1; batch 4; epochs 1; }
END
exits 0 train pics.net -o pr; says '`a/notes.txt`'; says '`b c/x.gif`'; says '2 samples are kept for a test'
grep -q '"fit":"pad"' pr/best.safetensors; ok "fit does not travel"
exits 0 predict pr pics/val/a --json; cp out a.out; sed -i 's/ fit=pad//' pics.net
exits 0 predict pics.net --weights pr/best.safetensors pics/val/a --json; cmp -s out a.out; ok "predict forgets fit"
exits 0 train pics.net -o ps; exits 0 predict pics.net --weights ps/best.safetensors pics/val/a --json
cmp -s out a.out && { echo "FAILED: fit changes nothing"; failed=1; }
exits 0 predict pr pics/test; prints '^ *2 '
sed -i 's/"pics"/"pics" fit=squeeze/' pics.net; exits 1 train pics.net; says '`stretch`, `crop` or `pad`'
exits 0 data pics; prints '2 are the data set.s own validation set, 2 its test set'
exits 2 pack pics/train -o p.pkl --fit pad; exits 2 pack pics/train -o p.pkl --size 8 --fit x
exits 0 pack pics/train -o p.pkl --size 8x6 --fit crop; says '`a/notes.txt`'

# --- tables as people have them: decimal commas, missing values, ids, names, a separator too many ---
awk 'BEGIN { srand(2); print "nr;area;kind;name;price;"; for (i = 1; i <= 60; i++) {
  a = rand(); printf "%d;%s;%s;n%d;%s;\n", i, i % 9 ? a : "", i % 7 ? (i % 2 ? "x" : "y") : "", i, 3 * a + 1 } }' |
  sed 's/0\./0,/g; s/\([1-4]\)\.\([0-9]\)/\1,\2/g' > odd.csv
exits 0 new odd.csv -o odd.net; grep -q 'input 4; target 1;' odd.net; ok "netc new reads the table otherwise"
grep -q 'drop={"nr" "name"} missing=mean' odd.net; ok "netc new keeps ids or names, or forgets what is missing"
exits 0 train odd.net --epochs 3 -o odd
printf 'area;kind\n0,5;x\n;y\n' > new.csv; exits 0 predict odd new.csv; prints '^ *2 '
printf 'area;kind\n;y\n' > one.csv; exits 0 predict odd one.csv --json; cp out a.out
exits 0 predict odd new.csv --json
[ "$(grep -A2 '"row": 2' out | grep -o '[-0-9.e]*$')" = "$(grep -A2 '"row": 1' a.out | grep -o '[-0-9.e]*$')" ]; ok "means do not travel"
awk 'NR == 1 { print } NR > 1 { print $0 }' a.csv | awk -F, 'NR == 1 { print "a,b,kind" } NR > 1 { print $1 * 50 "," $2 * 900 "," $4 }' > far.csv
printf 'input 2; classes 2; linear classes; train { data "far.csv"; epochs 1; }' > far.net
exits 0 train far.net -o far; says 'far from 1'; exits 1 new a.csv --target size2; says 'did you mean `size`'

# --- a column may be called what a port is called, and be an input all the same ---
awk -F, 'NR == 1 { print "label,input,price"; next } { print $2 "," NR % 7 "," 2 * $2 + NR % 7 }' a.csv > named.csv
cat > named.net <<END
input 2; target 1;
linear 1;
train { data "named.csv" target=price; normalize; loss mse; lr 0.1; batch 10; epochs 20; seed 1; }
END
exits 0 train named.net -o named
awk -F, 'END { exit !($9 > 0.99) }' named/metrics.csv; ok "a column called label is no input"

# --- what is wrong with a table is said with its line ---
printf 'a,b\n1,2\n3\n' > w.csv; exits 1 data w.csv; says 'line 3 has 1 cell'
printf 'a,b\n1,2\n3,\n' > w.csv; exits 1 data w.csv; says 'line 3 has no value for `b`'
printf 'a,b\n1,"2\n3,4\n' > w.csv; exits 1 data w.csv; says 'line 2, cell 2: a quote'
printf 'a,b\n' > w.csv; exits 1 data w.csv; says 'no rows'
printf 'a,b\n1,nan\n2,3\n' > w.csv; exits 1 data w.csv; says 'missing=mean'
exits 1 train a.net --data w.csv; says 'w.csv'
sed 's/input 4/input 5/' a.net > five.net
exits 1 train five.net; says 'help: write `input 4;`'
sed 's/drop={id}/target=kint/' a.net > kint.net
exits 1 train kint.net; says 'did you mean `kind`'
sed 's/drop={id}/drop={id} missing=median/' a.net > median.net
exits 1 train median.net; says 'mean'

# --- training on everything; drawn batches; both resume to the same bits ---
exits 0 train a.net --split 1.0 -o all; prints ' -  '
sed 's/epochs 30/epochs 4 of 7/' a.net > drawn.net
exits 0 train drawn.net -o d4
exits 0 train drawn.net --epochs 2 -o d2
exits 0 train drawn.net --resume d2
cmp -s d4/last.safetensors d2/last.safetensors; ok "drawn batches do not resume"

# --- arrays by name, one-hot rows, classes that do not count from 0, words ---
cat > x.net <<END
input 3; classes 2;
linear 8 relu; linear classes;
train { data "plain.npz"; lr 0.1; batch 10; epochs 20; seed 1; }
END
if python3 -c 'import numpy' 2>/dev/null; then
python3 - <<'END'
import numpy as np, pickle
r = np.random.RandomState(0)
x = r.rand(200, 3); y = (x[:, 0] > x[:, 1]).astype(int)
np.savez('plain.npz', x=x, y=y)
np.savez('hot.npz', features=x.astype('f2').astype('f8'), target=np.eye(2)[y])
np.savez('wide.npz', x=x.astype('>f4'), y=(2 * y - 1).astype('i2'))
pickle.dump({'x': x, 'y': ['no' if k == 0 else 'yes' for k in y]}, open('words.pkl', 'wb'))
np.savez('nan.npz', x=np.where(x > 0.99, np.nan, x), y=y)
np.savez('two.npz', a=x, b=x, y=y)
np.savez('pairs.npz', x_train=x[:150], y_train=y[:150], x_test=x[150:], y_test=y[150:])
np.savez('last.npz', x=r.rand(200, 9, 8, 3), y=y)
np.savez('val.npz', train_x=x[:150], train_y=y[:150], valid_x=x[150:], valid_y=y[150:])
np.savez('three.npz', x_train=x[:99], y_train=y[:99], x_val=x[99:150], y_val=y[99:150], x_test=x[150:], y_test=y[150:])
p = np.arange(40 * 3 * 4 * 4, dtype='u2').astype('u1').reshape(40, 3, 4, 4)
def save(name, what): pickle.dump(what, open(name + '.pkl', 'wb'))
tr, te = (x[:150], y[:150]), (x[150:], y[150:])
save('form_keras', (tr, te)); save('form_row', (*tr, *te)); save('form_kinds', (tr[0], te[0], tr[1], te[1]))
save('form_nest', {'train': {'data': tr[0], 'labels': tr[1]}, 'test': te, 'names': ['a', 'b']})
save('form_samples', {'train': list(zip(*tr)), 'val': [{'label': k, 'x': v} for v, k in zip(*te)]})
save('one_pairs', [(v, int(k)) for v, k in zip(x, y)]); save('one_swapped', [(int(k), v) for v, k in zip(x, y)])
save('one_records', [{'features': list(map(float, v)), 'label': k} for v, k in zip(x, y)])
save('one_names', (x, y, ['no', 'yes']))
save('bad_row', (*tr, te[0])); save('bad_records', [{'x': v, 'label': k} for v, k in zip(x, y)] + [{'x': 1}])
np.savez('imboth.npz', x_train=p[:20], y_train=y[:20], x_val=p[20:30], y_val=y[20:30], x_test=p[30:], y_test=y[30:40])
np.savez('unnamed.npz', x[:150], y[:150], x[150:], y[150:])
np.savez('imval.npz', x_train=p[:30], y_train=y[:30], x_val=p[30:], y_val=y[30:40])
END
exits 0 new last.npz -o last.net; exits 0 train last.net --epochs 1 -o last; grep -q 'input 3x9x8;' last.net; ok "netc new takes rows for channels"
exits 0 data val.npz; prints '150 of them train, [0-9]* are held apart'
exits 0 data imval.npz; prints '30 of them train, 10 are held apart'
printf '\200\002cpandas.core.frame\nDataFrame\n.' > frame.pkl
exits 1 data frame.pkl; says 'frame.to_csv'
exits 0 data imboth.npz; prints '20 of them train, 10 are held apart'; says '`x_val` is left out, for there is `x_test`'
exits 0 data unnamed.npz; says '`arr_2` is left out: it has 50 samples'
exits 0 data three.npz; prints '99 of them train'; says '`x_val` is left out'
exits 0 train x.net --data val.npz -o v; says 'training on 150 samples'
exits 0 train x.net -o x
exits 0 train x.net --data wide.npz -o w; says 'its 2 values are the classes'
exits 0 train x.net --data hot.npz -o h; says 'one-hot'
exits 0 train x.net --data words.pkl -o p; exits 0 predict p words.pkl; prints 'yes'
exits 0 train x.net --data pairs.npz -o q
for f in form_*.pkl one_*.pkl; do
  exits 0 train x.net --data "$f" -o form --force
  like=q; case "$f" in one_*) like=x ;; esac
  [ "$(cut -d, -f1-5 form/metrics.csv)" = "$(cut -d, -f1-5 $like/metrics.csv)" ]; ok "$f is read as something else"
done
exits 1 train x.net --data bad_row.pkl; says 'float64 array 150x3, int64 array 150, float64 array 50x3; which is what?'
exits 1 train x.net --data bad_records.pkl; says 'entry 200 of the list has no `label`'
exits 1 train x.net --data nan.npz; says 'NaN in row'
exits 1 train x.net --data two.npz; says 'more than one could be'
sed 's/input 3/a: input 3/' x.net > a3.net
exits 0 train a3.net --data two.npz -o two
fi

# --- text ---
awk 'BEGIN { for (i = 0; i < 400; i++) printf "%d abc\n", i % 7 }' > t.txt
exits 0 data t.txt; prints 'characters'
exits 1 train x.net --data t.txt; says 'a network for text'
printf 'caf\351\n' > latin.txt
exits 1 data latin.txt; says 'line 1, byte 4'

# --- IDX, folders of sounds: written with the standard library alone ---
python3 - <<'END'
import math, os, random, struct, wave
random.seed(1)
os.mkdir('idx')
def idx(name, dims, data):
    open('idx/' + name, 'wb').write(struct.pack('>HBB', 0, 8, len(dims)) +
                                    b''.join(struct.pack('>I', d) for d in dims) + bytes(data))
for part, n in (('train', 120), ('t10k', 30)):
    y = [random.randrange(3) for _ in range(n)]
    x = [200 if r // 2 == k else random.randrange(60) for k in y for r in range(6) for c in range(6)]
    idx(part + '-images-idx3-ubyte', (n, 6, 6), x)
    idx(part + '-labels-idx1-ubyte', (n,), y)
for kind, hertz in (('low', 200), ('high', 900)):
    os.makedirs('tones/' + kind)
    for i in range(30):
        f = hertz * random.uniform(0.8, 1.2)
        s = [random.gauss(0, 0.1) + 0.5 * math.sin(6.2832 * f * t / 4000) for t in range(1600)]
        with wave.open('tones/%s/%d.wav' % (kind, i), 'wb') as w:
            w.setnchannels(1); w.setsampwidth(2); w.setframerate(4000)
            w.writeframes(b''.join(struct.pack('<h', int(max(-1, min(1, v)) * 32000)) for v in s))
d = open('tones/low/0.wav', 'rb').read()
open('cut.wav', 'wb').write(d[:60])
open('lie.wav', 'wb').write(d[:20] + b'\x11' + d[21:])
open('cut.idx', 'wb').write(open('idx/train-images-idx3-ubyte', 'rb').read()[:-1])
END
exits 0 data idx; prints '30 are held apart by the data set itself'
exits 0 new idx -o idx.net
exits 0 train idx.net --epochs 5 --lr 0.01 -o idxrun
says 'training on 120 samples, validating on 30'
exits 0 new tones -o tones.net; grep -q 'mel=40' tones.net; ok "netc new of sounds"
exits 0 train tones.net --epochs 5 --lr 0.01 -o tonerun
awk -F, 'END { exit !($5 > 0.95) }' tonerun/metrics.csv; ok "the tones are not told apart"
exits 0 predict tonerun tones/high/3.wav; prints 'high'
exits 1 predict tonerun cut.wav; says 'cut.wav'
exits 1 predict tonerun lie.wav; says 'compressed'
exits 1 data cut.idx; says 'other extents'

# --- netc new: from a file to a trained network in two commands ---
exits 0 new a.csv --target kind -o new.net
exits 1 new a.csv -o new.net; says 'is there already'
exits 0 train new.net --epochs 40 -o newrun
awk -F, 'END { exit !($5 > 0.9) }' newrun/metrics.csv; ok "netc new's table is not learned"
exits 0 new t.txt -o book.net
exits 0 train book.net --epochs 1 -o book --batch 4
exits 0 generate book --tokens 30 --seed 5 --prompt '3 a'; cp out one
exits 0 generate book --tokens 30 --seed 5 --prompt '3 a' --threads 1; cmp -s one out
ok "the same seed gives another text"
exits 0 generate book --tokens 300 --seed 5 --prompt '3 a' --slide 16
head -c 20 out >begins; head -c 20 one | cmp -s - begins; ok "--slide changes what fits into the window"
exits 0 generate book --tokens 20 --json; prints '"windows": *0'
long='3 abc 4 abc 5 abc 6 abc 0 abc 1 abc 2 abc 3 abc 4 abc'
exits 0 generate book --tokens 1 --prompt "$long" --json; prints '"windows": *1'; few=$(grep text out)
exits 0 generate book --tokens 40 --prompt "$long" --json; grep -qF "${few%??}" out; ok 'the window at once says something else'
exits 1 generate book --slide 100000; says "the network's window"
exits 1 generate book --prompt 'Z'; says 'does not know'
exits 1 generate newrun; says 'no tokens'
for kind in table image sequence text; do
  exits 0 new $kind -o kind.net --force; exits 0 summary kind.net
done

[ $failed -eq 0 ] && echo "$n checks: all passed"
exit $failed
