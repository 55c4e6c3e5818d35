import numpy as np
import pytest
import torch

from nearlabel.learning.network import rows as module
from nearlabel.learning.network.rows import StoredRows

CPU = torch.device("cpu")
VALUES = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 3), dtype=np.uint8)
CHUNKS = [np.array([5, 1, 7]), np.array([0]), np.array([19, 18, 2])]


def resting(rows, chunks, size=None):
    return [rows._pick(module.bring_all(rows.values, CPU), some, size) for some in chunks]


def streamed(rows, chunks, size=None):
    return list(rows._streamed(chunks, size))


def read(rows, chunks, size=None):
    return list(rows.batches(chunks, size))


@pytest.mark.parametrize("way", [read, resting, streamed])
@pytest.mark.parametrize("values", [VALUES, VALUES.astype(np.float32)])
def test_every_way_gives_the_same_rows(way, values, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 7)
    whole = way(StoredRows(values, CPU), CHUNKS)
    filled = way(StoredRows(values, CPU), CHUNKS, 3)
    for some, found, full in zip(CHUNKS, whole, filled, strict=True):
        np.testing.assert_array_equal(found.numpy(), values[some])
        assert len(full) == 3 and full.dtype == found.dtype
        np.testing.assert_array_equal(full[: len(some)].numpy(), values[some])
        assert not full[len(some) :].any()
    assert way(StoredRows(values, CPU), []) == []


def test_a_streamed_batch_is_on_its_way_before_the_last_is_used(monkeypatch):
    rows, read_so_far = StoredRows(VALUES, CPU), []
    monkeypatch.setattr(StoredRows, "_read", lambda self, some, size: read_so_far.append(len(some)) or torch.zeros(1))
    batches = rows._streamed(CHUNKS, None)
    next(batches)
    assert read_so_far == [3, 1]


def test_mapped_rows_are_read_as_they_are_asked_for(tmp_path):
    np.save(tmp_path / "rows.npy", VALUES)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    rows = StoredRows(mapped, CPU)
    assert rows.values is mapped and rows._resting is None
    assert StoredRows.of(rows, CPU) is rows
    np.testing.assert_array_equal(next(rows.batches(CHUNKS)).numpy(), VALUES[CHUNKS[0]])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_rows_rest_on_a_card_where_they_fit():
    card = torch.device("cuda")
    for rows in (StoredRows(VALUES, card), StoredRows(VALUES, card, share=0)):
        for some, batch in zip(CHUNKS, rows.batches(CHUNKS, 4), strict=True):
            assert batch.device.type == "cuda"
            np.testing.assert_array_equal(batch[: len(some)].cpu().numpy(), VALUES[some])
