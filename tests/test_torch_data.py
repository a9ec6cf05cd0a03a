"""Torch's data sets and loaders as data: batches of the asked size, time first."""

import pytest
import torch

from psubench import data
from psubench.errors import PsubenchError

PLUGIN = '''
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

x = (torch.rand(11, 8, 3, generator=torch.Generator().manual_seed(0)) < 0.4).float()
y = torch.arange(11) % 5
dataset = TensorDataset(x, y)
loader = DataLoader(dataset, batch_size=4)


def time_first(items):
    return torch.stack([a for a, _ in items], 1), torch.tensor([int(b) for _, b in items])


time_first_loader = DataLoader(dataset, batch_size=8, collate_fn=time_first)


class Mine(Dataset):
    """Arrays and whole numbers, with names of classes as torchvision has them."""

    classes = ["a", "b", "c", "d", "e", "f"]

    def __init__(self, T, split="train"):
        self.T, self.n = T, 6 if split == "train" else 3

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return x[i, : self.T].numpy(), int(y[i])


def made(T, batch, seed, split):
    return DataLoader(Mine(T, split), batch_size=2)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(x[i], int(y[i])) for i in range(5)])


stream = Stream()


class Broken(Mine):
    def __getitem__(self, i):
        raise OSError("disk")


class Dictionary(Mine):
    def __getitem__(self, i):
        return {"x": x[i], "y": 1}


class Frames(Mine):
    def __getitem__(self, i):
        return x[i, 0], 1


class Triple(Mine):
    def __getitem__(self, i):
        return x[i], 1, 2


class Soft(Mine):
    def __getitem__(self, i):
        return x[i], torch.ones(5) / 5


empty = TensorDataset(x[:0], y[:0])
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("torch_data") / "d.py"
    path.write_text(PLUGIN)
    return path


def read(plugin, name, T=8, batch=5, split="test", seed=0):
    return list(data.batches(data.parse(f"{plugin}:{name}"), T=T, batch=batch, seed=seed, split=split))


@pytest.mark.parametrize(
    ("name", "samples"),
    [("dataset", 11), ("loader", 11), ("time_first_loader", 11), ("Mine", 3), ("made", 3), ("stream", 5)],
)
@pytest.mark.parametrize("batch", [3, 5, 8, 16])
def test_samples_come_in_batches_of_the_asked_size_with_time_first(plugin, name, samples, batch):
    from psubench import plugins

    found = read(plugin, name, batch=batch)
    assert [x.shape[1] for x, _ in found] == [min(batch, samples - n) for n in range(0, samples, batch)]
    every = torch.cat([x for x, _ in found], 1)
    assert torch.equal(every, plugins.load(f"{plugin}:x")[:samples].transpose(0, 1))
    assert torch.cat([y for _, y in found]).tolist() == [n % 5 for n in range(samples)]


def test_training_samples_of_a_data_set_come_in_an_order_of_the_seed(plugin):
    orders = [
        torch.cat([y for _, y in read(plugin, "dataset", split="train", seed=seed)]).tolist()
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_classes_and_counts_are_known(plugin):
    assert data.shape(data.parse(f"{plugin}:Mine"), 4) == ((3,), 6)
    assert data.shape(data.parse(f"{plugin}:loader"), 8, batch=4) == ((3,), 5)
    assert data.count(data.parse(f"{plugin}:dataset"), "train", T=8, batch=4) == 11


@pytest.mark.parametrize(
    ("name", "T", "message"),
    [
        ("dataset", 4, r"x of shape \[5, 8, 3\] for 5 labels and T=4.*give --T 8"),
        ("time_first_loader", 4, "give --T 8"),
        ("dataset(root=x)", 8, "is built already and takes no parameters"),
        ("Mine(root=x)", 8, "cannot be called"),
        ("Broken", 8, "raises OSError: disk"),
        ("Dictionary", 8, "gives a dict that is not a pair"),
        ("Frames", 8, r"x of shape \[3, 3\]"),
        ("Triple", 8, "that is not a pair"),
        ("Soft", 8, r"labels of shape \[3, 5\]"),
        ("empty", 8, "yields nothing"),
        ("Dataset", 8, "cannot be called|raises"),
    ],
)
def test_data_that_cannot_be_read_are_told_in_one_line(plugin, name, T, message):
    with pytest.raises(PsubenchError, match=message) as caught:
        read(plugin, name, T)
    assert "\n" not in str(caught.value)
