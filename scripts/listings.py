#!/usr/bin/env python3
"""Writes the listings of the documentation anew: in every block marked `console`, the lines after
`$ command` are what the command prints (both streams), in a copy of the project where the blocks of
a page run one after the other. A line `  ...` leaves out the middle, and stays where it is.

listings.py NETC [--check] PAGE...: with --check nothing is written; status 1 if a page would change
by more than times."""
import os, re, shutil, subprocess, sys, tempfile

def command_lines(block):
    """[(command, listed output lines)] of a block; a command may go on over lines ending in \\."""
    out = []
    for line in block:
        if out and out[-1][0].endswith('\\') and not out[-1][1]:
            out[-1] = (out[-1][0] + '\n' + line, [])
        elif line.startswith('$ '):
            out.append((line[2:], []))
        elif out:
            out[-1][1].append(line)
    return out

def cut(got, listed):
    marks = [i for i, l in enumerate(listed) if l.strip() == '...']
    if not marks:
        return got
    head, tail = marks[0], len(listed) - marks[0] - 1
    return got[:head] + [listed[head]] + got[len(got) - tail:] if head + tail < len(got) else got

def run(command, work, env):
    p = subprocess.run(['sh', '-c', command], cwd=work, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    if p.returncode:
        sys.exit(f'`{command}` ended with {p.returncode}:\n{p.stdout.decode()[-2000:]}')
    return [l.rstrip() for l in p.stdout.decode().rstrip('\n').split('\n')] if p.stdout else []

def masked(line):
    """The line without times."""
    line = re.sub(r'\d+(\.\d+)? (s|ms|us)\b', '# s', line)
    line = re.sub(r'^(\s+\d+(\s+\S+){4}\s+)\d+\.\d+( \*)?$', r'\1#\3', line)
    line = re.sub(r'^(\S+(\s+[\d,]+){3}\s+)\d+\.\d+', r'\1#', line)
    return re.sub(r' +', ' ', line)

def near(a, b):
    """Equal, or a row of sizes of which each is within a twentieth: compilers move bytes."""
    if masked(a) == masked(b):
        return True
    x, y = ([int(n) for n in re.findall(r'(?<=\| )\d+', l)] for l in (a, b))
    return len(x) == len(y) > 2 and all(abs(i - j) * 20 <= max(i, j) for i, j in zip(x, y))

def alike(got, listed):
    return len(got) == len(listed) and all(map(near, got, listed))

def renewed(page, work, env, check):
    text, out, changed = open(page).read().split('\n'), [], []
    i = 0
    while i < len(text):
        out.append(text[i])
        i += 1
        if out[-1] != '```console':
            continue
        end = text.index('```', i)
        for command, listed in command_lines(text[i:end]):
            got = cut(run(command, work, env), listed)
            out += ['$ ' + l if k == 0 else l for k, l in enumerate(command.split('\n'))] + got
            if not alike(got, listed):
                changed.append((command, listed, got))
        i = end
    return '\n'.join(out), changed

def main():
    netc, check = os.path.abspath(sys.argv[1]), '--check' in sys.argv
    root, failed = os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 0
    env = dict(os.environ, LC_ALL='C.UTF-8')
    for v in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'COLUMNS'):
        env.pop(v, None)
    for page in [a for a in sys.argv[2:] if a != '--check']:
        with tempfile.TemporaryDirectory() as work:
            for part in ('models', 'examples', 'compiler', 'scripts'):
                shutil.copytree(os.path.join(root, part), os.path.join(work, part))
            os.symlink(netc, os.path.join(work, 'netc'))
            text, changed = renewed(os.path.join(root, page), work, env, check)
        for command, listed, got in changed:
            print(f'{page}: `{command}` prints otherwise:')
            for kind, lines in (('-', listed), ('+', got)):
                for l in lines:
                    if masked(l) not in map(masked, got if kind == '-' else listed):
                        print(kind, l)
        failed |= bool(changed)
        if not check:
            open(os.path.join(root, page), 'w').write(text)
    if check:
        sys.exit(failed)

main()
