# Other correct ways to write the functions of notebook 04; every one of them must get full points.


# %% numeric_gradient: two copies for every number
def numeric_gradient(f, x, *, h=1e-5):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        right, left = x.astype(float), x.astype(float)
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# %% numeric_gradient: flat, with the rows of a scaled identity
def numeric_gradient(f, x, *, h=1e-5):
    nudges = h * np.eye(x.size)
    slopes = [f(x + n.reshape(x.shape)) - f(x - n.reshape(x.shape)) for n in nudges]
    return np.array(slopes).reshape(x.shape) / (2 * h)


# %% numeric_gradient: an iterator over a copy in Fortran order, with a warning
import warnings


def numeric_gradient(f, x, *, h=1e-5):
    x = np.asfortranarray(x, dtype=np.float64).copy(order="F")
    gradient = np.empty_like(x)
    iterator = np.nditer(x, flags=["multi_index"])
    while not iterator.finished:
        place = iterator.multi_index
        x[place] += h
        above = f(x)
        x[place] -= 2 * h
        below = f(x)
        x[place] += h
        gradient[place] = (above - below) / 2 / h
        iterator.iternext()
    warnings.warn(f"{2 * x.size} calls of f: slow for large arrays", stacklevel=2)
    return gradient


# %% kernel_gradient: four loops
def kernel_gradient(x, dout):
    (H, W), (oh, ow) = x.shape, dout.shape
    out = np.zeros((H - oh + 1, W - ow + 1))
    for a in range(H - oh + 1):
        for b in range(W - ow + 1):
            for r in range(oh):
                for c in range(ow):
                    out[a, b] += dout[r, c] * x[r + a, c + b]
    return out


# %% kernel_gradient: each output gives its window a weight, float32
def kernel_gradient(x, dout):
    oh, ow = dout.shape
    kh, kw = x.shape[0] - oh + 1, x.shape[1] - ow + 1
    out = np.zeros((kh, kw), dtype=np.float32)
    for r, c in np.ndindex(oh, ow):
        out += (dout[r, c] * x[r : r + kh, c : c + kw]).astype(np.float32)
    return out


# %% kernel_gradient: stride tricks and einsum
def kernel_gradient(x, dout):
    x = np.ascontiguousarray(x)
    shape = tuple(np.subtract(x.shape, dout.shape) + 1) + dout.shape
    windows = np.lib.stride_tricks.as_strided(x, shape, x.strides * 2)
    return np.einsum("abrc,rc->ab", windows, dout, order="F")


# %% input_gradient: stamps
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r in range(oh):
        for c in range(ow):
            dx[r : r + kh, c : c + kw] += dout[r, c] * w
    return dx


# %% input_gradient: the derivation with its boundary terms left out
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1))
    for r, c in np.ndindex(dx.shape):
        for a in range(max(0, r - oh + 1), min(kh, r + 1)):
            for b in range(max(0, c - ow + 1), min(kw, c + 1)):
                dx[r, c] += dout[r - a, c - b] * w[a, b]
    return dx


# %% input_gradient: a shifted copy for every number of the kernel, Fortran order
def input_gradient(w, dout):
    (kh, kw), (oh, ow) = w.shape, dout.shape
    dx = np.zeros((oh + kh - 1, ow + kw - 1), order="F")
    for (a, b), weight in np.ndenumerate(w):
        dx[a : a + oh, b : b + ow] += weight * dout
    return dx


# %% input_gradient: the padded kernel under the flipped upstream gradient, float32
def input_gradient(w, dout):
    oh, ow = dout.shape
    wide = np.pad(w.astype(np.float32), ((oh - 1, oh - 1), (ow - 1, ow - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, dout.shape)
    return np.tensordot(windows, np.rot90(dout, 2).astype(np.float32), 2)


# %% col2im: add.at with index arrays
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    rows = dh * np.repeat(np.arange(kh), kw)[:, None] + sh * np.repeat(np.arange(oh), ow)
    columns = dw * np.tile(np.arange(kw), kh)[:, None] + sw * np.tile(np.arange(ow), oh)
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    np.add.at(x, (slice(None), slice(None), rows, columns), cols.reshape(N, C, kh * kw, oh * ow))
    return x[:, :, ph : H + ph, pw : W + pw]


# %% col2im: window after window, float32
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    x = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=np.float32)
    windows = 0
    for top in range(0, x.shape[2] - dh * (kh - 1), sh):
        for left in range(0, x.shape[3] - dw * (kw - 1), sw):
            patch = cols[:, :, windows].reshape(N, C, kh, kw)
            x[:, :, top : top + dh * kh : dh, left : left + dw * kw : dw] += patch.astype(np.float32)
            windows += 1
    return x[:, :, ph : ph + H, pw : pw + W]


# %% col2im: numbers that land outside are left out one by one
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    x = np.zeros(x_shape)
    for row in range(cols.shape[1]):
        c, tap = divmod(row, kh * kw)
        a, b = divmod(tap, kw)
        for window in range(cols.shape[2]):
            i, j = divmod(window, ow)
            r, s = i * sh + a * dh - ph, j * sw + b * dw - pw
            if 0 <= r < H and 0 <= s < W:
                x[:, c, r, s] += cols[:, row, window]
    return x


# %% conv2d_backward: seven loops
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation, *_ = cache
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    for n, d, i, j in np.ndindex(dout.shape):
        db[d] += dout[n, d, i, j]
        for c, a, b in np.ndindex(w.shape[1:]):
            r, s = i * sh + a * dh - ph, j * sw + b * dw_ - pw
            if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]:
                dx[n, c, r, s] += dout[n, d, i, j] * w[d, c, a, b]
                dw[d, c, a, b] += dout[n, d, i, j] * x[n, c, r, s]
    return dx, dw, db


# %% conv2d_backward: window after window with tensordot, in float32
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    dout, w = dout.astype(np.float32), w.astype(np.float32)
    padded = np.pad(x.astype(np.float32), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(dout.shape[2:]):
        rows = slice(i * sh, i * sh + dh * w.shape[2], dh)
        columns = slice(j * sw, j * sw + dw_ * w.shape[3], dw_)
        upstream = dout[:, :, i, j]
        dpadded[:, :, rows, columns] += np.tensordot(upstream, w, 1)
        dw += np.tensordot(upstream, padded[:, :, rows, columns], (0, 0))
    return dpadded[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]], dw, dout.sum(axis=(0, 2, 3))


# %% conv2d_backward: tap after tap with einsum, a list returned, Fortran order
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    oh, ow = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dpadded = np.zeros(padded.shape, order="F")
    dw = np.zeros(w.shape, order="F")
    for a, b in np.ndindex(w.shape[2:]):
        rows = slice(a * dh, a * dh + sh * (oh - 1) + 1, sh)
        columns = slice(b * dw_, b * dw_ + sw * (ow - 1) + 1, sw)
        dpadded[:, :, rows, columns] += np.einsum("ndij,dc->ncij", dout, w[:, :, a, b])
        dw[:, :, a, b] = np.einsum("ndij,ncij->dc", dout, padded[:, :, rows, columns])
    return [dpadded[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]], dw, np.einsum("ndij->d", dout)]


# %% conv2d_backward: index arrays and one matrix product for the batch, works in place on copies
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    (N, C, H, W), (D, _, kh, kw), (oh, ow) = x.shape, w.shape, dout.shape[2:]
    rows = dh * np.repeat(np.arange(kh), kw)[:, None] + sh * np.repeat(np.arange(oh), ow)
    columns = dw_ * np.tile(np.arange(kw), kh)[:, None] + sw * np.tile(np.arange(ow), oh)
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    cols = padded[:, :, rows, columns].transpose(1, 2, 3, 0).reshape(C * kh * kw, -1)
    flat = dout.transpose(1, 2, 3, 0).reshape(D, -1)
    dcols = (w.reshape(D, -1).T @ flat).reshape(C, kh * kw, oh * ow, N).transpose(3, 0, 1, 2)
    padded[...] = 0
    np.add.at(padded, (slice(None), slice(None), rows, columns), dcols)
    return padded[:, :, ph : ph + H, pw : pw + W], (flat @ cols.T).reshape(w.shape), flat.sum(axis=1)


# %% conv2d_backward: dx as a full convolution of the spread upstream gradient
def conv2d_backward(dout, cache):
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw_) = map(pair, (stride, padding, dilation))
    windows = np.lib.stride_tricks.sliding_window_view
    (N, C, H, W), (D, _, kh, kw), (oh, ow) = x.shape, w.shape, dout.shape[2:]
    spread = np.zeros((N, D, H + 2 * ph - dh * (kh - 1), W + 2 * pw - dw_ * (kw - 1)))
    spread[:, :, : oh * sh : sh, : ow * sw : sw] = dout
    holes = np.zeros((D, C, dh * (kh - 1) + 1, dw_ * (kw - 1) + 1))
    holes[:, :, ::dh, ::dw_] = w
    edge = [(0, 0), (0, 0), *((k - 1, k - 1) for k in holes.shape[2:])]
    seen = windows(np.pad(spread, edge), holes.shape[2:], axis=(2, 3))
    dx = np.einsum("ndrskl,dckl->ncrs", seen, np.flip(holes, (2, 3)))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    met = windows(padded, spread.shape[2:], axis=(2, 3))[:, :, ::dh, ::dw_]
    dw = np.einsum("nckmrs,ndrs->dckm", met, spread)
    return dx[:, :, ph : ph + H, pw : pw + W], dw, dout.sum((0, 2, 3))


# %% conv_transpose2d: stamp after stamp
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (N, _, H, W), (_, D, kh, kw) = x.shape, w.shape
    out = np.zeros((N, D, (H - 1) * sh + kh, (W - 1) * sw + kw))
    for n, c, i, j in np.ndindex(x.shape):
        out[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += x[n, c, i, j] * w[c]
    out += b.reshape(1, D, 1, 1)
    return out[:, :, ph : out.shape[2] - ph, pw : out.shape[3] - pw]


# %% conv_transpose2d: zeros between the numbers and a flipped kernel, float32
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (N, C, H, W), (kh, kw) = x.shape, w.shape[2:]
    apart = np.zeros((N, C, (H - 1) * sh + 1, (W - 1) * sw + 1), dtype=np.float32)
    apart[:, :, ::sh, ::sw] = x
    wide = np.pad(apart, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, (kh, kw), axis=(2, 3))
    out = np.einsum("ncijkl,cdkl->ndij", windows, w[:, :, ::-1, ::-1].astype(np.float32))
    height, width = out.shape[2] - 2 * ph, out.shape[3] - 2 * pw
    return out[:, :, ph : ph + height, pw : pw + width] + b[:, None, None]


# %% conv_transpose2d: the backward pass of a convolution
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    (N, _, H, W), (_, D, kh, kw) = x.shape, w.shape
    was = np.zeros((N, D, (H - 1) * sh + kh - 2 * ph, (W - 1) * sw + kw - 2 * pw))
    dx, _, _ = conv2d_backward(x, (was, w, stride, padding, 1))
    return dx + b[None, :, None, None]
