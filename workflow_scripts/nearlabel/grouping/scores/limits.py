"""What scores compute exactly, and what counts as a grouping; standard library only, as the configuration reads it."""

# Images whose silhouettes are computed exactly. Time grows with n²: 245 clusterings of 30,000 images take 2 minutes.
EXACT_UP_TO = 30_000
# Images whose silhouettes are computed above that, each against all others. Silhouettes of a clustering have a standard
# deviation below 0.3 as a rule: the standard error of their mean is then below 0.003.
SAMPLE = 10_000

LOPSIDED = "lopsided"
"""Flag of a clustering that says little: one group of nearly all images."""
LARGEST_SHARE = 0.95
OTHER_SHARE, OTHER_IMAGES = 0.01, 5


def lopsided(sizes: list[int]) -> bool:
    """Whether one group holds more than 95 % of the images, and every other one under 1 % of them or under 5."""
    total, (largest, *others) = sum(sizes), sorted(sizes, reverse=True)
    small = max(OTHER_SHARE * total, OTHER_IMAGES)
    return bool(others) and largest > LARGEST_SHARE * total and others[0] < small
