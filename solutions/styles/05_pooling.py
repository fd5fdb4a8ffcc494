"""Correct answers of notebook 05 in other styles; each must get full points."""


# %% max_pool2d_forward: four loops
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    kh, kw = pair(kernel_size)
    sh, sw = pair(kernel_size) if stride is None else pair(stride)
    ph, pw = pair(padding)
    N, C, H, W = x.shape
    oh, ow = (H + 2 * ph - kh) // sh + 1, (W + 2 * pw - kw) // sw + 1
    out = np.empty((N, C, oh, ow))
    for n in range(N):
        for c in range(C):
            for i in range(oh):
                for j in range(ow):
                    top, left = i * sh - ph, j * sw - pw
                    out[n, c, i, j] = x[n, c, max(top, 0) : top + kh, max(left, 0) : left + kw].max()
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% max_pool2d_forward: sliding windows, a float32 result in Fortran order, numbers in the cache
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    stride = kernel_size if stride is None else stride
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(padding)
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (2, 3))[:, :, ::sh, ::sw]
    return np.asfortranarray(windows.max((-1, -2)).astype(np.float32)), (x, kernel_size, stride, padding)


# %% max_pool2d_forward: reshape where the blocks fit, loops elsewhere, a warning, a list as cache
import warnings


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    kernel, border = pair(kernel_size), pair(padding)
    step = kernel if stride is None else pair(stride)
    xp = np.pad(x, ((0, 0), (0, 0), (border[0],) * 2, (border[1],) * 2), constant_values=np.finfo(float).min)
    oh, ow = [(n - k) // s + 1 for n, k, s in zip(xp.shape[2:], kernel, step, strict=True)]
    if step == kernel and (oh * kernel[0], ow * kernel[1]) == xp.shape[2:]:
        out = xp.reshape(*x.shape[:2], oh, kernel[0], ow, kernel[1]).max(axis=5).max(axis=3)
        return out, [x, kernel, step, border, "fast"]
    warnings.warn("the blocks do not fit, this is slower", stacklevel=2)
    rows = [slice(i * step[0], i * step[0] + kernel[0]) for i in range(oh)]
    columns = [slice(j * step[1], j * step[1] + kernel[1]) for j in range(ow)]
    out = [[xp[:, :, r, c].max(axis=(2, 3)) for c in columns] for r in rows]
    return np.array(out).transpose(2, 3, 0, 1), [x, kernel, step, border, "slow"]


# %% max_pool2d_forward: first the rows, then the columns
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    def along(x, axis, k, s, p):
        x = np.moveaxis(x, axis, 0)
        border = np.full((p, *x.shape[1:]), -np.inf)
        x = np.concatenate([border, x, border])
        return np.moveaxis(np.stack([x[i : i + k].max(0) for i in range(0, len(x) - k + 1, s)]), 0, axis)

    k, p = pair(kernel_size), pair(padding)
    s = k if stride is None else pair(stride)
    out = along(along(x, 2, k[0], s[0], p[0]), 3, k[1], s[1], p[1])
    return out, (x, k, s, p)


# %% max_pool2d_backward: argmax in loops, the first tie wins
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        top, left = max(i * sh - ph, 0), max(j * sw - pw, 0)
        window = x[n, c, top : i * sh - ph + kh, left : j * sw - pw + kw]
        a, b = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, top + a, left + b] += dout[n, c, i, j]
    return dx


# %% max_pool2d_backward: a mask for each window, all ties win
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw), *_ = cache
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dx = np.zeros(padded.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            at = np.s_[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            mask = padded[at] == padded[at].max(axis=(2, 3), keepdims=True)
            dx[at] += mask * dout[:, :, i : i + 1, j : j + 1]
    return dx[:, :, ph : dx.shape[2] - ph, pw : dx.shape[3] - pw]


# %% max_pool2d_backward: ties share, float32, Fortran order
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (2, 3))[:, :, ::sh, ::sw]
    wins = windows == windows.max(axis=(4, 5), keepdims=True)
    shares = wins / wins.sum(axis=(4, 5), keepdims=True) * dout[..., None, None]
    dx = np.zeros(padded.shape, dtype=np.float32)
    for i, j in np.ndindex(dout.shape[2:]):
        dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += shares[:, :, i, j].astype(np.float32)
    return np.asfortranarray(dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]])


# %% max_pool2d_backward: one scatter for all windows, the last tie wins
def max_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (2, 3))[:, :, ::sh, ::sw]
    place = kh * kw - 1 - view.reshape(*dout.shape, kh * kw)[..., ::-1].argmax(-1)
    n, c, i, j = np.indices(dout.shape)
    dx = np.zeros(padded.shape)
    np.add.at(dx, (n, c, i * sh + place // kw, j * sw + place % kw), dout)
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% avg_pool2d_forward: loops over the windows
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = pair(stride) if stride is not None else (kh, kw)
    N, C, H, W = x.shape
    xp = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    xp[:, :, ph : ph + H, pw : pw + W] = x
    out = np.zeros((N, C, (xp.shape[2] - kh) // sh + 1, (xp.shape[3] - kw) // sw + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = xp[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw].mean(axis=(2, 3))
    return out, (x, (kh, kw), (sh, sw), (ph, pw))


# %% avg_pool2d_forward: sliding windows, float32
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    k, p = pair(kernel_size), pair(padding)
    s = pair(kernel_size if stride is None else stride)
    padded = np.pad(x.astype(np.float32), [(0, 0)] * 2 + [(n, n) for n in p])
    windows = np.lib.stride_tricks.sliding_window_view(padded, k, (2, 3))[:, :, :: s[0], :: s[1]]
    return np.einsum("ncijab->ncij", windows) / (k[0] * k[1]), (x, k, s, p)


# %% avg_pool2d_forward: running sums
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    total = np.pad(x, ((0, 0), (0, 0), (ph + 1, ph), (pw + 1, pw))).cumsum(2).cumsum(3)
    total = total[:, :, kh:] - total[:, :, :-kh]
    total = total[:, :, :, kw:] - total[:, :, :, :-kw]
    return total[:, :, ::sh, ::sw] / (kh * kw), (x, (kh, kw), (sh, sw), (ph, pw), "sums")


# %% avg_pool2d_backward: loops over the windows
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache[:4]
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for n, c, i, j in np.ndindex(*dout.shape):
        dx[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw] += dout[n, c, i, j] / kh / kw
    return dx[:, :, ph : H + ph, pw : W + pw]


# %% avg_pool2d_backward: two matrices, one for rows and one for columns
def avg_pool2d_backward(dout, cache):
    x, k, s, p = cache

    def means(axis):
        at = np.arange(x.shape[axis + 2])[:, None] + p[axis]
        start = np.arange(dout.shape[axis + 2]) * s[axis]
        return ((at >= start) & (at < start + k[axis])) / k[axis]

    return means(0) @ dout @ means(1).T


# %% avg_pool2d_backward: float32, in place on a copy
def avg_pool2d_backward(dout, cache):
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    share = np.array(dout, dtype=np.float32)
    share /= kh * kw
    (H, W), (oh, ow) = x.shape[2:], dout.shape[2:]
    dx = np.zeros((*x.shape[:2], H + 2 * ph, W + 2 * pw), dtype=np.float32)
    for i in range(oh):
        for j in range(ow):
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += share[:, :, i : i + 1, j : j + 1]
    return np.asfortranarray(dx[:, :, ph : ph + H, pw : pw + W])


# %% global_avg_pool: sum and count
def global_avg_pool(x):
    return x.sum(axis=-1).sum(axis=-1) / (x.shape[-1] * x.shape[-2])


# %% global_avg_pool: flattened, float32
def global_avg_pool(x):
    return np.mean(x.reshape(x.shape[0], x.shape[1], -1), axis=2, dtype=np.float32)


# %% global_avg_pool: loops
def global_avg_pool(x):
    out = np.zeros(x.shape[:2], order="F")
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[n, c] = x[n, c].mean()
    return out


# %% global_avg_pool: average pooling with one large window
def global_avg_pool(x):
    out, _ = avg_pool2d_forward(x, x.shape[2:])
    return out[:, :, 0, 0]


# %% shift_errors: an if for no shift
def shift_errors(before, after, *, shift):
    stays = np.mean(abs(after - before))
    if shift == 0:
        return stays, stays
    return np.mean(abs(after[:, :, :, shift:] - before[:, :, :, :-shift])), stays


# %% shift_errors: rolled, and what came round left out; Python floats in a list
def shift_errors(before, after, *, shift):
    apart = np.abs(np.roll(before, shift, axis=-1) - after)
    return [float(apart[..., shift:].mean()), float(np.abs(before - after).mean())]


# %% shift_errors: column by column
def shift_errors(before, after, *, shift):
    columns = range(before.shape[3] - shift)
    moves = [np.abs(after[..., c + shift] - before[..., c]).mean() for c in columns]
    return sum(moves) / len(moves), np.abs(after - before).mean()


# %% average_kernel: a loop over the channels
def average_kernel(channels, kernel_size):
    kh, kw = pair(kernel_size)
    w = np.zeros((channels, channels, kh, kw))
    for c in range(channels):
        w[c, c, :, :] = 1 / (kh * kw)
    return w


# %% average_kernel: an identity matrix, spread over the window
def average_kernel(channels, kernel_size):
    size = pair(kernel_size)
    return np.eye(channels)[:, :, None, None] * np.full(size, 1 / np.prod(size))


# %% average_kernel: einsum and float32
def average_kernel(channels, kernel_size):
    kh, kw = pair(kernel_size)
    window = np.ones((kh, kw), dtype=np.float32) / (kh * kw)
    return np.asfortranarray(np.einsum("dc,ab->dcab", np.eye(channels, dtype=np.float32), window))
