# Other correct ways to write the functions of notebook 03; every one of them must get full points.


# %% conv2d_naive: seven loops
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (s0, s1), (p0, p1), (d0, d1) = map(pair, (stride, padding, dilation))
    n_images, n_channels, height, width = x.shape
    n_filters, _, k0, k1 = w.shape
    rows = (height + 2 * p0 - d0 * (k0 - 1) - 1) // s0 + 1
    columns = (width + 2 * p1 - d1 * (k1 - 1) - 1) // s1 + 1
    out = np.empty((n_images, n_filters, rows, columns))
    for n in range(n_images):
        for d in range(n_filters):
            for r in range(rows):
                for c in range(columns):
                    total = b[d]
                    for k in range(n_channels):
                        for i in range(k0):
                            for j in range(k1):
                                row, column = r * s0 - p0 + i * d0, c * s1 - p1 + j * d1
                                if 0 <= row < height and 0 <= column < width:
                                    total += x[n, k, row, column] * w[d, k, i, j]
                    out[n, d, r, c] = total
    return out


# %% conv2d_naive: windows in a list, float32, a warning
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    import warnings

    warnings.warn("loops are slow", stacklevel=2)
    s, p, d = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x, [(0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])]).astype(np.float32)
    reach = [(k - 1) * step + 1 for k, step in zip(w.shape[2:], d, strict=True)]
    out = []
    for top in range(0, x.shape[2] - reach[0] + 1, s[0]):
        line = []
        for left in range(0, x.shape[3] - reach[1] + 1, s[1]):
            window = x[:, :, top : top + reach[0] : d[0], left : left + reach[1] : d[1]]
            line.append(np.einsum("nkij,dkij->nd", window, w) + b)
        out.append(line)
    return np.asarray(out, dtype=np.float32).transpose(2, 3, 0, 1)


# %% conv2d_naive: a loop over the weights
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows = 1 + (padded.shape[2] - 1 - dh * (w.shape[2] - 1)) // sh
    columns = 1 + (padded.shape[3] - 1 - dw * (w.shape[3] - 1)) // sw
    out = np.zeros((len(x), len(w), rows, columns)) + b.reshape(1, -1, 1, 1)
    for i, j in np.ndindex(w.shape[2:]):
        met = padded[:, :, i * dh :, j * dw :][:, :, ::sh, ::sw][:, :, :rows, :columns]
        out += np.tensordot(met, w[:, :, i, j], axes=(1, 1)).transpose(0, 3, 1, 2)
    return out


# %% conv2d_naive: Fortran order, an output that was padded by hand
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    images, channels, height, width = x.shape
    framed = np.zeros((images, channels, height + 2 * ph, width + 2 * pw), order="F")
    framed[:, :, ph : ph + height, pw : pw + width] = x
    kh, kw = w.shape[2:]
    oh = int(np.floor((framed.shape[2] - dh * (kh - 1) - 1) / sh + 1))
    ow = int(np.floor((framed.shape[3] - dw * (kw - 1) - 1) / sw + 1))
    out = np.zeros((images, len(w), oh, ow), order="F")
    for r in range(oh):
        for c in range(ow):
            rows, columns = r * sh + dh * np.arange(kh), c * sw + dw * np.arange(kw)
            window = framed[:, :, rows[:, None], columns]
            for d, kernel in enumerate(w):
                out[:, d, r, c] = (window * kernel).sum(axis=(1, 2, 3)) + b[d]
    return out


# %% dilate_kernel: one weight after the other
def dilate_kernel(w, dilation):
    step = pair(dilation)
    shape = [step[axis] * (w.shape[2 + axis] - 1) + 1 for axis in (0, 1)]
    out = np.zeros((*w.shape[:2], *shape))
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            out[:, :, i * step[0], j * step[1]] = w[:, :, i, j]
    return out


# %% dilate_kernel: a Kronecker product, cut
def dilate_kernel(w, dilation):
    dh, dw = pair(dilation)
    corner = np.zeros((1, 1, dh, dw))
    corner[..., 0, 0] = 1
    whole = np.kron(w, corner)
    return whole[:, :, : whole.shape[2] - dh + 1, : whole.shape[3] - dw + 1]


# %% dilate_kernel: zeros inserted, float32
def dilate_kernel(w, dilation):
    dh, dw = pair(dilation)
    rows = np.repeat(np.arange(1, w.shape[2]), dh - 1)
    columns = np.repeat(np.arange(1, w.shape[3]), dw - 1)
    return np.insert(np.insert(w.astype(np.float32), rows, 0, axis=2), columns, 0, axis=3)


# %% im2col: a loop over the places of the weights
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    out = np.zeros((x.shape[0], x.shape[1], kh, kw, oh, ow))
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw
            out[:, :, i, j] = padded[:, :, top : top + sh * oh : sh, left : left + sw * ow : sw]
    return out.reshape(x.shape[0], -1, oh * ow)


# %% im2col: loops over the places, column after column
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = []
    for top in range(0, padded.shape[2] - dh * (kh - 1), sh):
        for left in range(0, padded.shape[3] - dw * (kw - 1), sw):
            window = padded[:, :, top : top + dh * kh : dh, left : left + dw * kw : dw]
            columns.append(window.reshape(len(x), -1))
    return np.stack(columns, axis=2)


# %% im2col: index arrays, as in CS231n, in Fortran order and float32
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    channels = x.shape[1]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    i = np.tile(np.repeat(dh * np.arange(kh), kw), channels)[:, None] + sh * np.repeat(np.arange(oh), ow)
    j = np.tile(dw * np.arange(kw), kh * channels)[:, None] + sw * np.tile(np.arange(ow), oh)
    k = np.repeat(np.arange(channels), kh * kw)[:, None]
    return np.asfortranarray(padded[:, k, i, j].astype(np.float32))


# %% im2col: stride tricks
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    N, C, H, W = padded.shape
    shape = (N, C, kh, kw, (H - dh * (kh - 1) - 1) // sh + 1, (W - dw * (kw - 1) - 1) // sw + 1)
    n, c, h, v = padded.strides
    steps = (n, c, dh * h, dw * v, sh * h, sw * v)
    return np.lib.stride_tricks.as_strided(padded, shape, steps).reshape(N, C * kh * kw, -1)


# %% conv2d_forward: im2col and one product
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    columns = im2col(x, w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    out = w.reshape(len(w), -1) @ columns + b.reshape(-1, 1)
    (s, _), (p, _), (d, _) = pair(stride), pair(padding), pair(dilation)
    oh = (x.shape[2] + 2 * p - d * (w.shape[2] - 1) - 1) // s + 1
    return out.reshape(x.shape[0], w.shape[0], oh, -1), (x, w, stride, padding, dilation, columns)


# %% conv2d_forward: einsum on windows, pairs in the cache
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    stride, padding, dilation = pair(stride), pair(padding), pair(dilation)
    span = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    border = [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2]
    windows = sliding_window_view(np.pad(x, border), span, axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    out = np.einsum("nkrcij,dkij->ndrc", windows, w, optimize=True) + b[None, :, None, None]
    return out, (x, w, stride, padding, dilation)


# %% conv2d_forward: a loop over the weights, in place on a copy, a list as the cache
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kh, kw = w.shape[2:]
    oh = (padded.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (padded.shape[3] - dw * (kw - 1) - 1) // sw + 1
    out = np.zeros((len(x), len(w), oh, ow))
    out += b[:, None, None]
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw
            met = padded[:, :, top : top + sh * (oh - 1) + 1 : sh, left : left + sw * (ow - 1) + 1 : sw]
            out += (w[:, :, i, j] @ met.reshape(*met.shape[:2], oh * ow)).reshape(out.shape)
    return out, [x, w, stride, padding, dilation, padded]


# %% conv2d_forward: windows as rows, a tensordot, float32, Fortran order
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(np.float32)
    reach = dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1
    windows = sliding_window_view(padded, reach, axis=(2, 3))[..., ::dh, ::dw][:, :, ::sh, ::sw]
    out = np.tensordot(windows, w.astype(np.float32), axes=([1, 4, 5], [1, 2, 3])) + b
    return np.asfortranarray(out.transpose(0, 3, 1, 2)), (x, w, stride, padding, dilation)


# %% conv_matrix: the kernel laid on one empty picture after the other
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    rows = []
    for top in range(0, height + 2 * ph - kh + 1, sh):
        for left in range(0, width + 2 * pw - kw + 1, sw):
            picture = np.zeros((height + 2 * ph, width + 2 * pw))
            picture[top : top + kh, left : left + kw] = w
            rows.append(picture[ph : ph + height, pw : pw + width].flatten())
    return np.array(rows)


# %% conv_matrix: weight by weight, only pixels that are there
def conv_matrix(w, height, width, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    oh, ow = (height + 2 * ph - w.shape[0]) // sh + 1, (width + 2 * pw - w.shape[1]) // sw + 1
    matrix = np.zeros((oh * ow, height * width), dtype=np.float32)
    for (r, c, i, j), _ in np.ndenumerate(np.empty((oh, ow, *w.shape))):
        row, column = r * sh + i - ph, c * sw + j - pw
        if 0 <= row < height and 0 <= column < width:
            matrix[r * ow + c, row * width + column] = w[i, j]
    return matrix


# %% conv_matrix: what the layer answers to pictures with a single 1
def conv_matrix(w, height, width, *, stride=1, padding=0):
    ones = np.eye(height * width).reshape(-1, 1, height, width)
    out, _ = conv2d_forward(ones, w[None, None], np.zeros(1), stride=stride, padding=padding)
    return out.reshape(height * width, -1).T


# %% linear_as_conv: a reshape with all sizes
def linear_as_conv(weight, input_shape):
    channels, height, width = input_shape
    return np.reshape(weight, (weight.shape[0], channels, height, width))


# %% linear_as_conv: number by number
def linear_as_conv(weight, input_shape):
    out = np.zeros((len(weight), *input_shape))
    for index in np.ndindex(*out.shape):
        out[index] = weight[index[0], np.ravel_multi_index(index[1:], input_shape)]
    return out


# %% linear_as_conv: a list of kernels, float32
def linear_as_conv(weight, input_shape):
    return np.stack([row.reshape(input_shape) for row in weight]).astype(np.float32)


# %% compose_kernels: give out
def compose_kernels(w1, w2):
    (_, channels, k1h, k1w), (filters, _, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((filters, channels, k1h + k2h - 1, k1w + k2w - 1))
    for d, m, i, j in np.ndindex(*w2.shape):
        out[d, :, i : i + k1h, j : j + k1w] += w2[d, m, i, j] * w1[m]
    return out


# %% compose_kernels: collect by the formula
def compose_kernels(w1, w2):
    (_, channels, k1h, k1w), (filters, _, k2h, k2w) = w1.shape, w2.shape
    out = np.zeros((filters, channels, k1h + k2h - 1, k1w + k2w - 1))
    for d, c, r, s in np.ndindex(*out.shape):
        for i in range(max(0, r - k1h + 1), min(k2h, r + 1)):
            for j in range(max(0, s - k1w + 1), min(k2w, s + 1)):
                out[d, c, r, s] += w2[d, :, i, j] @ w1[:, c, r - i, s - j]
    return out


# %% compose_kernels: einsum on windows of the padded kernel, float32
def compose_kernels(w1, w2):
    k2h, k2w = w2.shape[2:]
    around = ((0, 0), (0, 0), (k2h - 1, k2h - 1), (k2w - 1, k2w - 1))
    windows = sliding_window_view(np.pad(w1, around), (k2h, k2w), axis=(2, 3))
    return np.einsum("mcrsij,dmij->dcrs", windows, np.flip(w2, (2, 3))).astype(np.float32)


# %% compose_kernels: a product of Fourier transforms
def compose_kernels(w1, w2):
    size = [a + b - 1 for a, b in zip(w1.shape[2:], w2.shape[2:], strict=True)]
    one, other = np.fft.rfft2(w1, size), np.fft.rfft2(w2, size)
    return np.fft.irfft2(np.einsum("mcij,dmij->dcij", one, other), size)


# %% pointwise_conv: einsum
def pointwise_conv(x, w, b):
    return np.einsum("nkrc,dk->ndrc", x, w[:, :, 0, 0]) + b[:, None, None]


# %% pointwise_conv: the channels at the end, float32
def pointwise_conv(x, w, b):
    mixed = x.transpose(0, 2, 3, 1).astype(np.float32) @ w[:, :, 0, 0].T + b
    return mixed.transpose(0, 3, 1, 2)


# %% pointwise_conv: loops over filters and channels
def pointwise_conv(x, w, b):
    out = np.zeros((x.shape[0], w.shape[0], *x.shape[2:]), order="F")
    for d in range(w.shape[0]):
        out[:, d] = b[d]
        for k in range(x.shape[1]):
            out[:, d] += w[d, k, 0, 0] * x[:, k]
    return out


# %% pointwise_conv: the whole layer
def pointwise_conv(x, w, b):
    return conv2d_forward(x, w, b)[0]


# %% grouped_conv2d: one group after the other
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    each, count = w.shape[1], len(w) // groups
    outs = []
    for g in range(groups):
        mine = slice(g * count, (g + 1) * count)
        part = x[:, g * each : (g + 1) * each]
        outs.append(conv2d_naive(part, w[mine], b[mine], stride=stride, padding=padding))
    return np.concatenate(outs, axis=1)


# %% grouped_conv2d: a large weight with zeros between the groups
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    filters, each, kh, kw = w.shape
    full = np.zeros((filters, x.shape[1], kh, kw))
    for d in range(filters):
        g = d // (filters // groups)
        full[d, g * each : (g + 1) * each] = w[d]
    return conv2d_forward(x, full, b, stride=stride, padding=padding)[0]


# %% grouped_conv2d: an axis for the groups, float32
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    images, (filters, each, kh, kw) = len(x), w.shape
    columns = im2col(x, (kh, kw), stride=stride, padding=padding).astype(np.float32)
    columns = columns.reshape(images, groups, each * kh * kw, -1)
    out = w.reshape(groups, filters // groups, -1) @ columns
    oh = (x.shape[2] + 2 * pair(padding)[0] - kh) // pair(stride)[0] + 1
    return out.reshape(images, filters, oh, -1) + b[:, None, None]


# %% conv3d: loops over the places
def conv3d(x, w, b, *, stride=1, padding=0):
    stride, padding = (np.broadcast_to(option, 3) for option in (stride, padding))
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    kernel = np.array(w.shape[2:])
    size = (np.array(padded.shape[2:]) - kernel) // stride + 1
    out = np.zeros((len(x), len(w), *size))
    for place in np.ndindex(*size):
        t, r, c = place * stride
        window = padded[:, :, t : t + kernel[0], r : r + kernel[1], c : c + kernel[2]]
        out[(slice(None), slice(None), *place)] = window.reshape(len(x), -1) @ w.reshape(len(w), -1).T + b
    return out


# %% conv3d: two-dimensional layers, frame by frame, added up
def conv3d(x, w, b, *, stride=1, padding=0):
    st, *flat_stride = (stride,) * 3 if isinstance(stride, int) else stride
    pt, *flat_padding = (padding,) * 3 if isinstance(padding, int) else padding
    film = np.pad(x, ((0, 0), (0, 0), (pt, pt), (0, 0), (0, 0)))
    options = {"stride": tuple(flat_stride), "padding": tuple(flat_padding)}
    frames = []
    for start in range(0, film.shape[2] - w.shape[2] + 1, st):
        parts = [conv2d_naive(film[:, :, start + t], w[:, :, t], 0 * b, **options) for t in range(w.shape[2])]
        frames.append(sum(parts) + b[:, None, None])
    return np.stack(frames, axis=2)


# %% conv3d: a tensordot over windows, float32, Fortran order
def conv3d(x, w, b, *, stride=1, padding=0):
    steps = stride if isinstance(stride, tuple) else (stride, stride, stride)
    around = padding if isinstance(padding, tuple) else (padding, padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), (around[0],) * 2, (around[1],) * 2, (around[2],) * 2))
    windows = sliding_window_view(padded.astype(np.float32), w.shape[2:], axis=(2, 3, 4))
    windows = windows[:, :, :: steps[0], :: steps[1], :: steps[2]]
    out = np.tensordot(windows, w, axes=((1, 5, 6, 7), (1, 2, 3, 4))) + b
    return np.asfortranarray(np.moveaxis(out, -1, 1))
