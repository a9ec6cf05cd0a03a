"""The spoken digits: the array that is shipped, its encoding as spikes, batches and splits."""

import numpy as np
import pytest
import torch

from psubench.data import batches, parse, spoken_digits
from psubench.errors import PsubenchError


@pytest.fixture(scope="module")
def archive():
    path = spoken_digits.resources.files("psubench.data") / "spoken_digits.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        return dict(arrays)


def test_the_array_decodes_to_the_mfcc_of_its_source(archive):
    # The first and last frame of the first recording in the wheel that scripts/make_spoken_digits.py reads.
    first = [-160.8, 64.15, -32.93, -61.95, 13.5, 15.43, -30.61, -24.58, -8.88, -30.7, -16.09, -12.78, 7.82]
    last = [-285.39, -19.1, 34.3, 0.01, 9.75, -13.82, -2.35, -7.53, -0.77, 1.98, -1.35, -6.42, -0.75]
    mfcc = archive["frames"][[0, archive["lengths"][0] - 1]] * archive["scale"] + archive["mean"]
    assert (np.abs(mfcc - [first, last]) <= archive["scale"] * 0.501).all()
    assert archive["lengths"].sum() == len(archive["frames"]) == 53999
    assert np.bincount(archive["labels"]).tolist() == [300] * 10


def test_the_mean_of_the_training_frames_is_a_zero_of_the_array(archive):
    train = archive["frames"][np.repeat(~archive["test"], archive["lengths"])]
    assert np.abs(train.mean(axis=0)).max() < 0.01
    assert np.abs(archive["frames"].astype(int)).max(axis=0).tolist() == [127] * 13


def test_resampling_agrees_with_numpy_channel_by_channel(archive):
    frames, lengths = archive["frames"].astype(float), archive["lengths"].astype(int)
    got = spoken_digits.resample(frames, lengths)
    for i in (0, 17, int(lengths.argmin()), int(lengths.argmax()), 2999):
        begin, n = lengths[:i].sum(), lengths[i]
        for channel in (0, 12):
            track = frames[begin : begin + n, channel]
            assert np.allclose(got[i, :, channel], np.interp(np.linspace(0, n - 1, 32), np.arange(n), track))


def test_the_spikes_describe_the_mfcc_to_within_the_threshold():
    recordings, threshold = spoken_digits.load(), spoken_digits.THRESHOLD
    on, off = recordings.spikes[..., :13], recordings.spikes[..., 13:]
    assert not (on & off).any()
    error = recordings.mfcc - threshold * np.cumsum(on.astype(float) - off, axis=1)
    silent = ~(on | off)
    assert np.abs(error[silent]).max() < threshold
    # One spike per step cannot follow the steepest slopes, but nearly all.
    assert (np.abs(error) < threshold).mean() > 0.95
    # No spike without need: before it, the estimate was too far off.
    before = error + threshold * (on.astype(float) - off)
    assert before[on].min() >= threshold
    assert before[off].max() <= -threshold


def test_a_known_track_gives_the_spikes_that_one_draws_by_hand():
    track = np.array([0.0, 0.4, 0.5, 1.6, 1.6, 0.9, 0.0, -0.4])[None, :, None]
    on, off = spoken_digits.send_on_delta(track)[0].T
    assert on.tolist() == [False, False, True, True, True, False, False, False]
    assert off.tolist() == [False, False, False, False, False, True, True, True]


def test_about_one_entry_in_eight_is_a_spike():
    spikes = spoken_digits.load().spikes
    assert 0.12 < spikes.mean() < 0.13
    assert spikes.mean(axis=(0, 1)).min() > 0.05
    assert spikes.mean(axis=(0, 1)).max() < 0.20
    train = spikes[~spoken_digits.load().test]
    assert spoken_digits.SpokenDigits().active() == pytest.approx(26 * train.mean(), rel=1e-12)


def test_the_digits_can_be_told_from_the_spikes():
    recordings = spoken_digits.load()
    x = recordings.spikes.reshape(3000, -1).astype(float)
    x = np.concatenate([x, np.ones((3000, 1))], axis=1)
    train, test = x[~recordings.test], x[recordings.test]
    targets = np.eye(10)[recordings.labels[~recordings.test]]
    weights = np.linalg.solve(train.T @ train + 30 * np.eye(x.shape[1]), train.T @ targets)
    right = (test @ weights).argmax(axis=1) == recordings.labels[recordings.test]
    assert right.mean() > 0.85  # a linear reading; chance is 0.1


def test_the_cached_recordings_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        spoken_digits.load().spikes[0] = True


def gather(split, T=32, batch=256, seed=0):
    parts = list(batches(parse("spoken-digits"), T=T, batch=batch, seed=seed, split=split))
    return parts, torch.cat([x for x, _ in parts], dim=1), torch.cat([labels for _, labels in parts])


def test_batches_cover_each_split_once_and_the_splits_are_stratified():
    sizes = {"train": 2400, "test": 600}
    everything = []
    for split, size in sizes.items():
        parts, x, labels = gather(split)
        assert x.shape == (32, size, 26)
        assert torch.bincount(labels).tolist() == [size // 10] * 10
        assert [len(labels) for _, labels in parts[:-1]] == [256] * (len(parts) - 1)
        everything += [row.numpy().tobytes() for row in x.transpose(0, 1).bool()]
    recordings = spoken_digits.load().spikes
    assert sorted(everything) == sorted(r.tobytes() for r in recordings)
    train, test = set(everything[:2400]), set(everything[2400:])
    assert not train & test


def test_labels_belong_to_their_recordings():
    recordings = spoken_digits.load()
    digit = {r.tobytes(): d for r, d in zip(recordings.spikes, recordings.labels, strict=True)}
    _, x, labels = gather("test", seed=3)
    assert [digit[row.numpy().tobytes()] for row in x.transpose(0, 1).bool()] == labels.tolist()


def test_the_seed_sets_the_order_and_T_cuts_or_repeats():
    _, x, labels = gather("train", seed=1)
    assert torch.equal(gather("train", seed=1)[1], x)
    assert not torch.equal(gather("train", seed=2)[2], labels)
    assert torch.equal(gather("train", T=5, seed=1)[1], x[:5])
    assert torch.equal(gather("train", T=70, seed=1)[1], torch.cat([x, x, x[:6]]))


def test_an_unknown_split_is_told():
    with pytest.raises(PsubenchError, match=r'no split "tran"; did you mean "train"\?'):
        batches(parse("spoken-digits"), T=4, batch=2, seed=0, split="tran")
