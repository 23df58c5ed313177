"""Weights of torch.save: the same bits as through safetensors; hostile files are one error."""
import os, random, subprocess, sys, tempfile, zipfile
import torch
from torch import nn

NETC = os.environ.get("NETC", "./netc")
NET = "input 1x8x8; classes 3; conv 4 k3 bn relu; linear classes;\n"


def run(*args):
    r = subprocess.run([NETC, *args], capture_output=True, text=True, timeout=100)
    assert r.returncode in (0, 1) and "internal error" not in r.stderr, (args, r.returncode, r.stderr)
    return r


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.fc1 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(144, 3)


def exported(folder, weights):
    out = f"{folder}/{len(os.listdir(folder))}.onnx"
    r = run("export", f"{folder}/m.net", "--weights", weights, "-o", out)
    assert r.returncode == 0, r.stderr
    return open(out, "rb").read()


def refused(folder, name, words):
    r = run("export", f"{folder}/m.net", "--weights", name, "-o", f"{folder}/never.onnx")
    assert r.returncode == 1 and words in r.stderr, (name, words, r.stderr)
    assert not os.path.exists(f"{folder}/never.onnx")


class Evil:
    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def main(folder):
    open(f"{folder}/m.net", "w").write(NET)
    torch.manual_seed(1)
    model, path = Model(), f"{folder}/m.pt"
    state = model.state_dict()
    torch.save(state, path)
    want = exported(folder, path)
    import numpy as np
    from onnx import load_model_from_string, numpy_helper
    got = {t.name: numpy_helper.to_array(t) for t in load_model_from_string(want).graph.initializer}
    for name in "conv1.weight", "bn1.running_var", "fc1.bias":
        assert np.array_equal(got[name], state[name].numpy()), name
    others = {"checkpoint": {"epoch": 3, "model_state_dict": state, "optimizer": {"state": {0: [1.5]}}},
              "wrapped": {"module." + k: v for k, v in state.items()},
              "other order": {k: v.t().contiguous().t() if v.dim() == 2 else
                              v.contiguous(memory_format=torch.channels_last) if v.dim() == 4 else v
                              for k, v in state.items()},
              "parameters": dict(model.named_parameters()) | dict(model.named_buffers())}
    for name, what in others.items():
        torch.save(what, path)
        assert exported(folder, path) == want, name
    torch.save(state, path, _use_new_zipfile_serialization=False)
    refused(folder, path, "before PyTorch 1.6")
    torch.save(model, path)
    refused(folder, path, "state_dict()")
    torch.save([1, 2], path)
    refused(folder, path, "no dictionary of tensors")
    evil = Evil()
    evil.mark = f"{folder}/mark"
    torch.save({"fc1.weight": evil}, path)
    refused(folder, path, "netc does not run")
    assert not os.path.exists(evil.mark)
    torch.save(state, path)
    hostile(folder, path)


def hostile(folder, path):
    """Bytes changed, and tensors that lie outside of their storage: an answer, and no crash."""
    good, rng, bad = open(path, "rb").read(), random.Random(1), f"{folder}/bad.pt"
    for i in range(60):
        data = bytearray(good[:rng.randrange(len(good))] if i % 4 == 0 else good)
        for _ in range(1 + i % 3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        open(bad, "wb").write(data)
        run("eval", f"{folder}/m.net", "--weights", bad, "--data", "none")
        run("export", f"{folder}/m.net", "--weights", bad, "-o", f"{folder}/x{i}.onnx")
    with zipfile.ZipFile(path) as z:
        entries = {n: z.read(n) for n in z.namelist()}
    name = next(n for n in entries if n.endswith("data.pkl"))
    at = entries[name].index(b"K\x90K\x01")  # the stride of fc1.weight
    entries[name] = entries[name][:at] + b"K\x91" + entries[name][at + 2:]
    with zipfile.ZipFile(bad, "w") as z:
        for n, data in entries.items():
            z.writestr(n, data)
    refused(folder, bad, "outside of its storage")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
    print("weights of torch.save are read")
