"""Known mistakes of notebook 05 as code; each must be named by the report with exactly its title."""


# %% max_pool2d_forward: the border is filled with zeros
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: no output is below zero
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    out = np.zeros((*x.shape[:2], oh, ow))
    for i in range(kh):
        for j in range(kw):
            out = np.maximum(out, padded[:, :, i:, j:][:, :, ::sh, ::sw][:, :, :oh, :ow])
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: all images and channels get the same maximum
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max()
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the place of the largest number is returned instead of the number
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.reshape(N, C, -1).argmax(axis=2)
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the stride is 1 when none is given
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or 1), pair(padding)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.max(axis=(4, 5)), (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the stride is ignored: the windows always stand side by side
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = kh, kw
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the output is smaller, but the windows still move by one
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i : i + kh, j : j + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the padding is forgotten
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    kh, kw = pair(kernel_size)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.max(axis=(4, 5)), (x, (kh, kw), (sh, sw), pair(padding))


# %% max_pool2d_forward: windows that hang over the edge are counted
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = -(-(H + 2 * ph - kh) // sh) + 1, -(-(W + 2 * pw - kw) // sw) + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the picture is taken to be square
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (H + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: rows and columns of the pairs are exchanged
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kw, kh), (pw, ph) = pair(kernel_size), pair(padding)
    sw, sh = (kw, kh) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the numbers for the rows are used for the columns too
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    k, p = pair(kernel_size)[0], pair(padding)[0]
    s = k if stride is None else pair(stride)[0]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - k) // s + 1, (padded.shape[3] - k) // s + 1
    out = np.empty((*x.shape[:2], oh, ow))
    for i in range(oh):
        for j in range(ow):
            out[:, :, i, j] = padded[:, :, i * s : i * s + k, j * s : j * s + k].max(axis=(2, 3))
    return out, (x, (k, k), (s, s), (p, p))


# %% max_pool2d_forward: a pair is used as if it were a number
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    k, s, p = kernel_size, stride or kernel_size, padding
    oh, ow = (x.shape[2] + 2 * p - k) // s + 1, (x.shape[3] + 2 * p - k) // s + 1
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=-np.inf)
    out = np.empty((*x.shape[:2], oh, ow))
    for i in range(oh):
        for j in range(ow):
            out[:, :, i, j] = padded[:, :, i * s : i * s + k, j * s : j * s + k].max(axis=(2, 3))
    return out, (x, pair(k), pair(s), pair(p))


# %% max_pool2d_forward: one row and one column too few
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh, (W + 2 * pw - kw) // sw
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: the picture is cut into blocks with reshape
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    blocks = padded.reshape(*x.shape[:2], oh, kh, ow, kw)
    return blocks.max(axis=(3, 5)), (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: only out is returned, without a cache
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out


# %% max_pool2d_forward: windows that hang over the edge are counted && the border is filled with zeros
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = -(-(H + 2 * ph - kh) // sh) + 1, -(-(W + 2 * pw - kw) // sw) + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the windows are summed, not averaged
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.sum(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: only the numbers inside the picture are counted
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    H, W = x.shape[2:]
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((*x.shape[:2], oh, ow))
    for i in range(oh):
        for j in range(ow):
            top, left = i * sh - ph, j * sw - pw
            window = x[:, :, max(top, 0) : top + kh, max(left, 0) : left + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the border is filled with -inf
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the sum is divided by the height of the window squared
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.sum(axis=(2, 3)) / kh**2
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the sum is divided by the stride squared
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.sum(axis=(2, 3)) / (sh * sw)
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: all images and channels get the same mean
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.mean()
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the stride is 1 when none is given
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (1, 1) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the output is smaller, but the windows still move by one
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i : i + kh, j : j + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: the padding is forgotten
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    kh, kw = pair(kernel_size)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.mean(axis=(4, 5)), (x, (kh, kw), (sh, sw), pair(padding))


# %% avg_pool2d_forward: windows that hang over the edge are counted
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = -(-(H + 2 * ph - kh) // sh) + 1, -(-(W + 2 * pw - kw) // sw) + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: a pair is used as if it were a number
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    k, s, p = kernel_size, stride or kernel_size, padding
    oh, ow = (x.shape[2] + 2 * p - k) // s + 1, (x.shape[3] + 2 * p - k) // s + 1
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    out = np.empty((*x.shape[:2], oh, ow))
    for i in range(oh):
        for j in range(ow):
            out[:, :, i, j] = padded[:, :, i * s : i * s + k, j * s : j * s + k].mean(axis=(2, 3))
    return out, (x, pair(k), pair(s), pair(p))


# %% avg_pool2d_forward: the picture is cut into blocks with reshape
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    blocks = padded.reshape(*x.shape[:2], oh, kh, ow, kw)
    return blocks.mean(axis=(3, 5)), (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: only out is returned, without a cache
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out


# %% max_pool2d_backward: each window overwrites what the windows before it left
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] = winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: a number that wins several windows keeps the gradient of the last one
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for n, c, i, j in np.ndindex(dout.shape):
        window = padded[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        a, b = divmod(window.argmax(), kw)
        dx[n, c, i * sh + a, j * sw + b] = dout[n, c, i, j]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: only the largest number of the whole array gets a gradient
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == x.max()
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: numbers outside the window that equal its maximum get a gradient too
def max_pool2d_backward(dout, cache):
    x, kernel_size, stride, padding = cache
    out, _ = max_pool2d_forward(x, kernel_size, stride=stride, padding=padding)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        dx[n, c] += (x[n, c] == out[n, c, i, j]) * dout[n, c, i, j]
    return dx


# %% max_pool2d_backward: the channels share one winner
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(1, 2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the gradient is multiplied by the number that won
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            share = np.where(winners, window, 0) * dout[:, :, i, j, None, None]
            dx[:, :, rows, columns] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: every number of a window gets an equal share
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    H, W = x.shape[2:]
    dx = np.pad(np.zeros_like(x), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the upstream gradient is taken for ones
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the stride is forgotten on the way back
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i, i + kh), slice(j, j + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the border is filled with zeros on the way back
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: dx still has the border on it
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx


# %% max_pool2d_backward: dx is cropped with [padding:-padding], which is empty at padding 0
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] += winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph:-ph, pw:-pw]


# %% max_pool2d_backward: dx ends where the last window ends
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (N, C, oh, ow), (H, W) = dout.shape, x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros((N, C, (oh - 1) * sh + kh, (ow - 1) * sw + kw))
    for n, c, i, j in np.ndindex(dout.shape):
        window = padded[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        into = dx[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        into += (window == window.max()) * dout[n, c, i, j]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the upstream gradient is repeated into blocks
def max_pool2d_backward(dout, cache):
    x, (kh, kw), stride, (ph, pw) = cache
    (H, W), (out, _) = x.shape[2:], max_pool2d_forward(x, (kh, kw), stride=stride, padding=(ph, pw))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    maxima, upstream = (a.repeat(kh, axis=2).repeat(kw, axis=3) for a in (out, dout))
    winners = np.equal(padded, maxima)
    return (winners * upstream)[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: the winner's place is taken apart by the height of the window
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for n, c, i, j in np.ndindex(dout.shape):
        window = padded[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        a, b = divmod(window.argmax(), kh)
        dx[n, c, i * sh + a, j * sw + b] += dout[n, c, i, j]
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% max_pool2d_backward: each window overwrites what the windows before it left && dx is cropped with [padding:-padding], which is empty at padding 0
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros_like(padded)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            window = padded[:, :, rows, columns]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, rows, columns] = winners * dout[:, :, i, j, None, None]
    return dx[:, :, ph:-ph, pw:-pw]


# %% avg_pool2d_backward: every number gets all of dout
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None]
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: each window overwrites what the windows before it left
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] = share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: all of the gradient goes to the largest number
def avg_pool2d_backward(dout, cache):
    return max_pool2d_backward(dout, cache)


# %% avg_pool2d_backward: the gradient is shared by the numbers inside the picture only
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        top, left = i * sh - ph, j * sw - pw
        into = dx[n, c, max(top, 0) : top + kh, max(left, 0) : left + kw]
        into += dout[n, c, i, j] / into.size
    return dx


# %% avg_pool2d_backward: dout is divided by the height of the window squared
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / kh**2
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: dout is divided by the stride squared
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (sh * sw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: the upstream gradient is taken for ones
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = 1 / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: the stride is forgotten on the way back
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i : i + kh, j : j + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: dx still has the border on it
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx


# %% avg_pool2d_backward: dx is cropped with [padding:-padding], which is empty at padding 0
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph:-ph, pw:-pw]


# %% avg_pool2d_backward: dx ends where the last window ends
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (N, C, oh, ow), (H, W) = dout.shape, x.shape[2:]
    dx = np.zeros((N, C, (oh - 1) * sh + kh, (ow - 1) * sw + kw))
    for i in range(oh):
        for j in range(ow):
            share = dout[:, :, i, j, None, None] / (kh * kw)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_backward: the upstream gradient is repeated into blocks
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), stride, (ph, pw) = cache
    (N, C, H, W), dx = x.shape, np.zeros((*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw))
    dx += np.kron(dout, np.ones((kh, kw))) / (kh * kw)
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% global_avg_pool: the mean is taken over the channels too
def global_avg_pool(x):
    return x.mean(axis=(1, 2, 3))


# %% global_avg_pool: the mean is taken over the images too
def global_avg_pool(x):
    return x.mean(axis=(0, 2, 3))


# %% global_avg_pool: the mean is taken over images and channels instead of height and width
def global_avg_pool(x):
    return x.mean(axis=(0, 1))


# %% global_avg_pool: the mean is taken along the rows only
def global_avg_pool(x):
    return x.mean(axis=-1)


# %% global_avg_pool: the sum instead of the mean
def global_avg_pool(x):
    return x.sum(axis=(2, 3))


# %% global_avg_pool: the maximum instead of the mean
def global_avg_pool(x):
    return x.max(axis=(2, 3))


# %% global_avg_pool: the sum is divided by the height squared
def global_avg_pool(x):
    return x.sum(axis=(2, 3)) / x.shape[2] ** 2


# %% shift_errors: the answer is moved to the left
def shift_errors(before, after, *, shift):
    W = before.shape[3]
    moved = np.abs(before[..., shift:] - after[..., : W - shift]).mean()
    return moved, np.abs(after - before).mean()


# %% shift_errors: columns that leave on the right come back on the left
def shift_errors(before, after, *, shift):
    moved = np.abs(after - np.roll(before, shift, axis=3)).mean()
    return moved, np.abs(after - before).mean()


# %% shift_errors: the rows are moved instead of the columns
def shift_errors(before, after, *, shift):
    H = before.shape[2]
    moved = np.abs(after[:, :, shift:] - before[:, :, : H - shift]).mean()
    return moved, np.abs(after - before).mean()


# %% shift_errors: [:-shift] is empty when the shift is 0
def shift_errors(before, after, *, shift):
    moved = np.abs(after[..., shift:] - before[..., :-shift]).mean()
    return moved, np.abs(after - before).mean()


# %% shift_errors: the two errors are swapped
def shift_errors(before, after, *, shift):
    W = before.shape[3]
    moved = np.abs(after[..., shift:] - before[..., : W - shift]).mean()
    return np.abs(after - before).mean(), moved


# %% shift_errors: differences of both signs cancel
def shift_errors(before, after, *, shift):
    W = before.shape[3]
    moved = (after[..., shift:] - before[..., : W - shift]).mean()
    return abs(moved), abs((after - before).mean())


# %% shift_errors: the differences are squared
def shift_errors(before, after, *, shift):
    W = before.shape[3]
    moved = ((after[..., shift:] - before[..., : W - shift]) ** 2).mean()
    return moved, ((after - before) ** 2).mean()


# %% shift_errors: the differences are summed, not averaged
def shift_errors(before, after, *, shift):
    W = before.shape[3]
    moved = np.abs(after[..., shift:] - before[..., : W - shift]).sum()
    return moved, np.abs(after - before).sum()


# %% average_kernel: every output channel mixes all channels
def average_kernel(channels, kernel_size):
    kh, kw = pair(kernel_size)
    return np.full((channels, channels, kh, kw), 1 / (kh * kw))


# %% average_kernel: every output channel averages all channels
def average_kernel(channels, kernel_size):
    w = np.ones((channels, channels, *pair(kernel_size)))
    return w / w[0].size


# %% average_kernel: there is one filter for each channel, without an axis for the input channels
def average_kernel(channels, kernel_size):
    kh, kw = pair(kernel_size)
    return np.full((channels, 1, kh, kw), 1 / (kh * kw))


# %% average_kernel: the weights are ones
def average_kernel(channels, kernel_size):
    w = np.zeros((channels, channels, *pair(kernel_size)))
    for c in range(channels):
        w[c, c] = 1
    return w


# %% average_kernel: height and width of the window are exchanged
def average_kernel(channels, kernel_size):
    kw, kh = pair(kernel_size)
    return np.eye(channels)[:, :, None, None] * np.full((kh, kw), 1 / (kh * kw))


# %% average_kernel: the sum is divided by the height of the window squared
def average_kernel(channels, kernel_size):
    kh, kw = pair(kernel_size)
    return np.eye(channels)[:, :, None, None] * np.ones((kh, kw)) / kh**2


# %% average_kernel: a pair is used as if it were a number
def average_kernel(channels, kernel_size):
    w = np.zeros((channels, channels, kernel_size, kernel_size))
    w[range(channels), range(channels)] = 1 / kernel_size**2
    return w
