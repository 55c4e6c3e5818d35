import hashlib

import numpy as np

from nearlabel.features.encoding.parts import choose_part

KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(3000)]


def test_every_image_is_in_one_part_and_parts_are_about_equal():
    parts = np.stack([choose_part(KEYS, part, 5) for part in range(5)])
    assert (parts.sum(axis=0) == 1).all()
    assert parts.sum(axis=1).min() > 520
    assert choose_part(KEYS, 0, 1).all()
    assert choose_part([], 0, 5).shape == (0,)


def test_an_image_more_changes_no_other_image_part():
    before = choose_part(KEYS[:-1], 2, 5)
    np.testing.assert_array_equal(choose_part(KEYS, 2, 5)[:-1], before)
    assert choose_part([KEYS[0], KEYS[0] + "/0:4095"], 0, 2).tolist() in ([True, True], [False, False])
