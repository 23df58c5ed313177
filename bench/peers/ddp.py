#!/usr/bin/env python3
"""PyTorch's DistributedDataParallel with gloo on two processes of one thread: images a second of
training steps. ddp.py NET BATCH (of both processes together)."""
import os, sys, time
import torch, torch.distributed as dist, torch.multiprocessing as mp
from torch import nn
import nets, torch_bench

def work(rank, name, batch, out):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.set_num_threads(1)
    net = nets.read(name)
    module, _ = torch_bench.build(net.layers, net.shape)
    model = nn.parallel.DistributedDataParallel(module)
    x, y = torch.rand(batch // 2, *net.shape), torch.randint(net.classes, (batch // 2,))
    opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    def step():
        opt.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), y).backward()
        opt.step()
    for _ in range(3):
        step()
    dist.barrier()
    times = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < 3 or len(times) < 5:
        t = time.perf_counter()
        step()
        dist.barrier()
        times.append(time.perf_counter() - t)
        more = torch.tensor([time.perf_counter() - begin])
        dist.broadcast(more, 0)
        if more.item() >= 3 and len(times) >= 5:
            break
    if rank == 0:
        out.put(batch / sorted(times)[len(times) // 2])
    dist.destroy_process_group()

if __name__ == "__main__":
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(work, (sys.argv[1], int(sys.argv[2]), queue), 2)
    print(queue.get())
