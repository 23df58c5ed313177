#!/bin/sh
# Pictures with masks: from two folders to a class for each pixel, and what is wrong with them.
cd "$(dirname "$0")/.." || exit 1
. tests/checks
shapes() { python3 "$root/tests/shapes.py" "$@"; }

# --- drawn shapes: above 0.9 of intersection over union on pictures that were never seen ---
shapes s/train 160 24 palette; shapes s/val 30 24 palette; shapes s/test 40 24 palette
exits 0 data s; prints '160 of them train, 30 are the data set.s own validation set, 40 its test set'
exits 0 new s -o s.net
exits 0 train s.net --epochs 8 -o run; says '40 samples are kept for a test'
exits 0 eval run --part test --json
python3 -c 'import json; j = json.load(open("out")); assert min(j["iou_by_class"]) > 0.9, j'; ok "shapes are not learned"
exits 0 predict run s/test/images -o masks; prints 'p 0.png: 0 [0-9.]*%, [123]'; prints 'masks/p 7.png'
# what predict writes is read as masks again, and agrees with what eval counts
mkdir -p again; cp -r s/test/images again/images; cp -r masks again/masks
exits 0 eval run --data again; prints 'mean IoU *1.0000'

# --- binary masks and colours are numbered, and say so; the names travel ---
shapes b 30 20 binary; shapes c 30 20 colour
exits 0 data b; says 'values 0, 255 are the classes 0 to 1'
exits 0 data c; says '#000000, #5a5adc'; prints '#dc5a5a'
exits 0 new c -o c.net; exits 0 train c.net --epochs 1 -o crun
exits 0 predict crun c/images/"p 1.png"; prints '#000000'
cat > b.net <<END
input 3x16x16; target 1x16x16; conv 4 k3 p1 relu; conv 1 k1;
train { data "b" fit=crop; loss bce; epochs 1; augment flip shift=2; }
END
exits 0 train b.net -o brun
sed 's/target 1x16x16/target 8x8 of 2/; s/conv 1 k1/maxpool 2; conv 2 k1/; s/bce/cross_entropy/' b.net > half.net
exits 0 train half.net -o hrun

# --- augmentation: the same bits for any threads and parts, and masks that move along ---
sed 's/epochs [0-9]*/epochs 2; batch 8; augment flip shift=2 crop=0.7 rotate=20 cutout=4 noise=0.02 mixup=0.3/; s/batch 16;//; s/ bn / /' s.net > aug.net
exits 0 train aug.net --threads 1 -o a1; exits 0 train aug.net --threads 2 -o a2
[ "$(cut -d, -f1-5 a1/metrics.csv)" = "$(cut -d, -f1-5 a2/metrics.csv)" ]; ok "threads change augmented samples"
grep -q '"augment": "flip shift=2 crop=0.7 rotate=20 cutout=4 noise=0.02 mixup=0.3"' a1/run.json; ok "run.json forgets augmentation"
grep -q '"waited_for_data": 0\.0' a1/run.json; ok "run.json says nothing of waiting"
sed 's/epochs [0-9]*/epochs 12; augment flip shift=2 crop=0.8 rotate=10/' s.net > aug.net
exits 0 train aug.net -o a3; exits 0 eval a3 --json
python3 -c 'import json; assert json.load(open("out"))["iou"] > 0.85, open("out").read()'; ok "masks do not move with their images"
sed 's/epochs [0-9]*/augment crop=2/' s.net > bad.net; exits 1 train bad.net; says '`crop` of `augment` is a number from 0.05 to 1'

# --- what is wrong is said once, with its file or the line to write ---
sed 's/of 2/of 4/; s/conv 2/conv 4/; s/"b"/"c"/' half.net > four.net; exits 0 train four.net -o frun
sed 's/of 2/of 3/; s/conv 2/conv 3/; s/"b"/"c"/' half.net > few.net; exits 1 train few.net; says 'target 8x8 of 4'
shapes m 3 20 many; exits 1 data m; says 'more than 256 different colours'
rm b/masks/"p 3_mask.png"; exits 1 data b; says 'p 3.png` has no mask of its name'
shapes z 2 20 palette; shapes y 2 16 palette; cp y/masks/"p 1.png" z/masks/; exits 1 data z; says 'is 16x16, and its picture is 20x20'
shapes z 2 20 palette; head -c 90 z/masks/"p 1.png" > cut; mv cut z/masks/"p 1.png"; exits 1 data z; says 'z/masks/p 1.png'
shapes z 2 20 palette; cp c/masks/"p 1.png" z/masks/; exits 1 data z; says 'some masks hold colours'
mkdir -p e/images e/masks; exits 1 data e; says 'holds no PNG'
[ $failed = 0 ] && echo "$n checks: all passed"
exit $failed
