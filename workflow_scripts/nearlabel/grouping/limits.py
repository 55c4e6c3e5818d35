"""How many images the grouping half takes whole; standard library only, as the configuration reads it."""

# Images whose silhouettes are computed exactly: 245 clusterings of 30,000 take about two minutes, of n images n² as long.
EXACT_UP_TO = 30_000
# Images whose silhouettes are computed above that, each against all others. One standard deviation of silhouettes is
# rarely above 0.3: then the standard error is 0.003.
SAMPLE = 10_000
