"""Correct answers of notebook 02 in other styles; each must get full points."""


# %% output_size: one line with floor division
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    if dilation * (kernel_size - 1) + 1 > size + 2 * padding:
        raise ValueError(
            f"kernel {kernel_size} (dilation {dilation}) does not fit into {size} + 2 * {padding}"
        )
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


# %% output_size: counting the windows
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    last_tap = dilation * (kernel_size - 1)
    places = [
        start for start in range(0, size + 2 * padding, stride) if start + last_tap < size + 2 * padding
    ]
    if not places:
        raise ValueError("the kernel does not fit")
    return len(places)


# %% output_size: floor of a true division
import math


def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    k = kernel_size + (kernel_size - 1) * (dilation - 1)
    out = math.floor((size - k + 2 * padding) / stride + 1)
    if out < 1:
        raise ValueError(f"no output: {size=}, {kernel_size=}, {padding=}")
    return out


# %% output_size: a NumPy integer
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    room = np.int64(size + 2 * padding - dilation * (kernel_size - 1) - 1)
    if room < 0:
        raise ValueError("too small")
    return np.floor_divide(room, stride) + 1


# %% same_padding: divmod
def same_padding(kernel_size, *, dilation=1):
    half, odd = divmod(dilation * (kernel_size - 1), 2)
    return half, half + odd


# %% same_padding: a list
def same_padding(kernel_size, *, dilation=1):
    missing = dilation * (kernel_size - 1)
    return [missing // 2, (missing + 1) // 2]


# %% same_padding: a NumPy array
def same_padding(kernel_size, *, dilation=1):
    missing = dilation * (kernel_size - 1)
    return np.array([np.floor(missing / 2), np.ceil(missing / 2)]).astype(int)


# %% pad2d: np.pad
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if np.isscalar(padding) else padding
    names = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)], mode=names[mode])


# %% pad2d: loops over the border
def pad2d(x, padding, *, mode="zeros"):
    if isinstance(padding, int):
        padding = (padding, padding)
    h, w = padding
    H, W = x.shape[-2], x.shape[-1]

    def inside(i, n):
        if mode == "replicate":
            return min(max(i, 0), n - 1)
        if i < 0:
            return -i
        return 2 * (n - 1) - i if i >= n else i

    out = np.zeros((*x.shape[:-2], H + 2 * h, W + 2 * w))
    for i in range(-h, H + h):
        for j in range(-w, W + w):
            if mode != "zeros":
                out[..., i + h, j + w] = x[..., inside(i, H), inside(j, W)]
            elif 0 <= i < H and 0 <= j < W:
                out[..., i + h, j + w] = x[..., i, j]
    return out


# %% pad2d: glued together
def pad2d(x, padding, *, mode="zeros"):
    pads = padding if isinstance(padding, tuple) else (padding, padding)
    for axis, p in zip((-2, -1), pads, strict=True):
        n = x.shape[axis]
        if p == 0:
            continue
        if mode == "zeros":
            before = after = np.zeros_like(np.take(x, [0] * p, axis=axis))
        elif mode == "replicate":
            before, after = np.take(x, [0] * p, axis=axis), np.take(x, [n - 1] * p, axis=axis)
        else:
            before = np.take(x, range(p, 0, -1), axis=axis)
            after = np.take(x, range(n - 2, n - 2 - p, -1), axis=axis)
        x = np.concatenate([before, x, after], axis=axis)
    return x


# %% pad2d: float32 and Fortran order
def pad2d(x, padding, *, mode="zeros"):
    h, w = np.broadcast_to(padding, 2)
    names = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    width = ((0, 0),) * (x.ndim - 2) + ((h, h), (w, w))
    return np.asfortranarray(np.pad(x.astype(np.float32), width, mode=names[mode]))


# %% conv2d_parameters: weights and biases apart
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    if isinstance(kernel_size, int):
        kernel_size = (kernel_size, kernel_size)
    weights = out_channels * in_channels * kernel_size[0] * kernel_size[1]
    return weights + out_channels if bias else weights


# %% conv2d_parameters: product of a shape
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    shape = (out_channels, in_channels, *np.broadcast_to(kernel_size, 2))
    return np.prod(shape) + bias * out_channels


# %% conv2d_parameters: size of an array
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    try:
        kh, kw = kernel_size
    except TypeError:
        kh = kw = kernel_size
    w, b = np.empty((out_channels, in_channels, kh, kw)), np.empty(out_channels)
    return w.size + (b.size if bias else 0)


# %% linear_parameters: factored
def linear_parameters(in_features, out_features, *, bias=True):
    return (in_features + int(bias)) * out_features


# %% linear_parameters: an if
def linear_parameters(in_features, out_features, *, bias=True):
    count = in_features * out_features
    if bias:
        count += out_features
    return count


# %% linear_parameters: size of an array
def linear_parameters(in_features, out_features, *, bias=True):
    return np.empty((out_features, in_features + (1 if bias else 0))).size


# %% conv2d_macs: outputs times the length of a dot product
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    def pair(v):
        return tuple(v) if isinstance(v, (tuple, list)) else (v, v)

    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    C, H, W = in_shape
    oh = output_size(H, kh, stride=sh, padding=ph, dilation=dh)
    ow = output_size(W, kw, stride=sw, padding=pw, dilation=dw)
    return out_channels * oh * ow * C * kh * kw


# %% conv2d_macs: without output_size
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    k, s, p, d = (np.broadcast_to(v, 2) for v in (kernel_size, stride, padding, dilation))
    sides = np.array(in_shape[1:])
    out = (sides + 2 * p - d * (k - 1) - 1) // s + 1
    return int(out.prod() * k.prod() * in_shape[0] * out_channels)


# %% conv2d_macs: counting windows with range
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    total = in_shape[0] * out_channels
    for axis in (0, 1):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        starts = range(-p, in_shape[1 + axis] + p - d * (k - 1), s)
        total *= len(starts) * k
    return total


# %% receptive_field: from the top down
def receptive_field(layers):
    field = 1
    for kernel_size, stride, dilation in reversed(layers):
        field = (field - 1) * stride + dilation * (kernel_size - 1) + 1
    return field


# %% receptive_field: a sum over products of strides
def receptive_field(layers):
    total = 1
    for i, (k, _, d) in enumerate(layers):
        jump = 1
        for _, earlier, _ in layers[:i]:
            jump *= earlier
        total += d * (k - 1) * jump
    return total


# %% receptive_field: following the indices
def receptive_field(layers):
    first = last = 0
    for k, s, d in layers[::-1]:
        first, last = first * s, last * s + d * (k - 1)
    return last - first + 1


# %% receptive_field: NumPy's cumulative product
def receptive_field(layers):
    k, s, d = np.array(layers).T
    jumps = np.cumprod(np.append(1, s[:-1]))
    return 1 + np.sum(d * (k - 1) * jumps)


# %% trace_shapes: one branch for everything that slides
def trace_shapes(in_shape, layers):
    def two(v):
        return v if isinstance(v, tuple) else (v, v)

    shape = list(in_shape)
    result = []
    for kind, opts in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            k = two(opts["kernel_size"])
            s = two(opts.get("stride", 1 if kind == "Conv2d" else k))
            p = two(opts.get("padding", 0))
            d = two(opts.get("dilation", 1))
            for a in (0, 1):
                shape[2 + a] = output_size(shape[2 + a], k[a], stride=s[a], padding=p[a], dilation=d[a])
            if kind == "Conv2d":
                shape[1] = opts["out_channels"]
        elif kind == "Flatten":
            shape = [shape[0], int(np.prod(shape[1:]))]
        elif kind == "Linear":
            shape = [shape[0], opts["out_features"]]
        result.append(tuple(shape))
    return result


# %% trace_shapes: one function per kind, shapes as lists
def trace_shapes(in_shape, layers):
    def slide(shape, channels, kernel_size, stride=1, padding=0, dilation=1):
        k, s, p, d = (np.broadcast_to(v, 2) for v in (kernel_size, stride, padding, dilation))
        sides = (np.array(shape[2:]) + 2 * p - d * (k - 1) - 1) // s + 1
        return [shape[0], channels, *sides]

    def conv(shape, out_channels, **options):
        return slide(shape, out_channels, **options)

    def pool(shape, kernel_size, stride=None, padding=0):
        return slide(shape, shape[1], kernel_size, stride or kernel_size, padding)

    make = {
        "Conv2d": conv,
        "MaxPool2d": pool,
        "AvgPool2d": pool,
        "ReLU": lambda shape: shape,
        "Flatten": lambda shape: [shape[0], np.prod(shape[1:])],
        "Linear": lambda shape, out_features: [shape[0], out_features],
    }
    shapes = [in_shape]
    for kind, options in layers:
        shapes.append(make[kind](shapes[-1], **options))
    return shapes[1:]


# %% trace_shapes: a recursion
def trace_shapes(in_shape, layers):
    if not layers:
        return []
    (kind, opts), rest = layers[0], layers[1:]
    n, c, *sides = in_shape
    shape = tuple(in_shape)
    if kind == "Flatten":
        shape = (n, c * sides[0] * sides[1])
    elif kind == "Linear":
        shape = (n, opts["out_features"])
    elif kind != "ReLU":
        pool = kind.endswith("Pool2d")
        out = []
        for axis, size in enumerate(sides):
            k, p, d = opts["kernel_size"], opts.get("padding", 0), opts.get("dilation", 1)
            s = opts.get("stride", k if pool else 1)
            k, s, p, d = (v[axis] if isinstance(v, (tuple, list)) else v for v in (k, s, p, d))
            out.append(output_size(size, k, stride=s, padding=p, dilation=d))
        shape = (n, c if pool else opts["out_channels"], *out)
    return [shape, *trace_shapes(shape, rest)]
