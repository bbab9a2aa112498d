"""The order of rows: each row once an epoch, the same for the same seed, whatever came before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geocairn.train.order import batch_rows, epoch_order, share_of_rank


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**40))
def test_an_epoch_holds_each_row_once_in_full_batches_but_the_last(n_rows, batch_size, seed):
    per_epoch = -(-n_rows // batch_size)
    for epoch in (0, 3):
        batches = [batch_rows(epoch * per_epoch + step, seed=seed, n_rows=n_rows, batch_size=batch_size) for step in range(per_epoch)]
        assert sorted(np.concatenate(batches)) == list(range(n_rows))
        assert all(len(batch) == batch_size for batch in batches[:-1])


def test_the_order_depends_on_the_seed_and_the_epoch_alone():
    orders = {(seed, epoch): tuple(epoch_order(seed, epoch, 100)) for seed in (0, 1) for epoch in (0, 1)}
    assert len(set(orders.values())) == 4
    np.random.seed(5)
    epoch_order.cache_clear()
    assert all(tuple(epoch_order(seed, epoch, 100)) == order for (seed, epoch), order in orders.items())


@given(st.integers(1, 50), st.integers(1, 8))
def test_processes_share_a_batch_evenly_and_leave_no_row_out(n_rows, world_size):
    rows = np.arange(n_rows) * 3
    shares = [share_of_rank(rows, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert {len(share) for share in shares} == {-(-n_rows // world_size)}
    assert set(np.concatenate(shares)) == set(rows)


def test_one_process_takes_the_batch_as_it_is():
    assert share_of_rank(np.array([4, 2, 9]), rank=0, world_size=1).tolist() == [4, 2, 9]
