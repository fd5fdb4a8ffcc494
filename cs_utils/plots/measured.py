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
    "conv_loops": (1500, 380, 190),
    "conv_forward": (1.95, 1.85, 1.27),
    "conv_backward": (0.95, 1.84, 1.26),
    "max_pool_forward": (0.40, 0.19, 0.24),
    "max_pool_backward": (14.31, 8.96, 8.59),
    "batchnorm_forward": (0.82, 0.85, 1.01),
    "batchnorm_backward": (1.40, 1.36, 1.83),
}
