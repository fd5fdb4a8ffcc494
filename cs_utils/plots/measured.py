"""How long the course's NumPy layers take: their time divided by PyTorch's, in each setting.

Written by `bench/layers.py --write`; edits here are lost.
"""

# images, channels, rows and columns, filters, kernel size, padding
SETTINGS = (
    (64, 3, 32, 32, 5, 2),
    (64, 64, 16, 64, 3, 1),
    (16, 128, 56, 128, 3, 1),
)
RATIOS = {
    "conv_loops": (1500, 390, 210),
    "conv_forward": (1.98, 1.90, 1.33),
    "conv_backward": (0.94, 1.88, 1.25),
    "max_pool_forward": (0.24, 0.25, 0.27),
    "max_pool_backward": (19.89, 9.25, 11.27),
    "batchnorm_forward": (1.08, 0.87, 1.09),
    "batchnorm_backward": (1.49, 1.25, 2.01),
}
