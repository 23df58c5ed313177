"""models.py FILE.net...: {name: text} as JSON. A page has no files: what a network includes stands in its place,
but for the settings that the network then makes its own."""
import json
import os
import re
import sys


def text(path):
    own = open(path).read()
    inclusion = re.search(r'^include "(.*)";\n', own, re.M)
    if not inclusion:
        return own
    before, after = own[:inclusion.start()], own[inclusion.end():]
    lines = text(os.path.join(os.path.dirname(path), inclusion[1])).splitlines(keepends=True)
    kept = [line for line in lines if not re.match(r'  ', line) or not re.search(rf'\b{line.split()[0]} ', after)]
    return before + ''.join(kept) + after


print(json.dumps({os.path.basename(path): text(path) for path in sys.argv[1:]}))
