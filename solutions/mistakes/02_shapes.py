"""Known mistakes of notebook 02 as code; each must be named by the report with exactly its title."""


# %% output_size: the + 1 is missing
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("the kernel does not fit")
    return room // stride


# %% output_size: / where // belongs: the result is a float
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("the kernel does not fit")
    return room / stride + 1


# %% output_size: the padding is counted once
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    room = size + padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("the kernel does not fit")
    return room // stride + 1


# %% output_size: the padding is left out
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * (kernel_size - 1) + 1
    if span > size:
        raise ValueError("the kernel does not fit")
    return (size - span) // stride + 1


# %% output_size: rounded up
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("the kernel does not fit")
    return int(np.ceil(room / stride)) + 1


# %% output_size: the 1 is added before dividing by the stride
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * (kernel_size - 1) + 1
    if span > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size - span + 1 + 2 * padding) // stride


# %% output_size: the stride is ignored
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    out = size + 2 * padding - (dilation * (kernel_size - 1) + 1) + 1
    if out < 1:
        raise ValueError("the kernel does not fit")
    return out


# %% output_size: the dilation is ignored
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    if kernel_size > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size - kernel_size + 2 * padding) // stride + 1


# %% output_size: a dilated kernel is taken to span d * k
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * kernel_size
    if span > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size - span + 2 * padding) // stride + 1


# %% output_size: no error when the kernel does not fit
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


# %% output_size: a kernel that just fits is refused
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * (kernel_size - 1) + 1
    if span >= size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size - span + 2 * padding) // stride + 1


# %% output_size: with a stride, a kernel that nearly fits is let through
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * (kernel_size - 1) + 1
    out = int((size - span + 2 * padding) / stride) + 1
    if out <= 0:
        raise ValueError("the kernel does not fit")
    return out


# %% output_size: the comparison leaves out the padding
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    span = dilation * (kernel_size - 1) + 1
    if span > size:
        raise ValueError("the kernel does not fit")
    return (size - span + 2 * padding) // stride + 1


# %% output_size: the comparison leaves out the dilation
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    if kernel_size > size + 2 * padding:
        raise ValueError("the kernel does not fit")
    return (size - dilation * (kernel_size - 1) - 1 + 2 * padding) // stride + 1


# %% output_size: the comparison leaves out padding and dilation
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    if kernel_size > size:
        raise ValueError("the kernel does not fit")
    return (size - dilation * (kernel_size - 1) - 1 + 2 * padding) // stride + 1


# %% same_padding: one number where a pair was asked for
def same_padding(kernel_size, *, dilation=1):
    return dilation * (kernel_size - 1) // 2


# %% same_padding: the extra column comes before
def same_padding(kernel_size, *, dilation=1):
    missing = dilation * (kernel_size - 1)
    return missing - missing // 2, missing // 2


# %% same_padding: both sides get the rounded-down half
def same_padding(kernel_size, *, dilation=1):
    half = dilation * (kernel_size - 1) // 2
    return half, half


# %% same_padding: both sides get half the kernel
def same_padding(kernel_size, *, dilation=1):
    half = dilation * kernel_size // 2
    return half, half


# %% same_padding: the dilation is ignored
def same_padding(kernel_size, *, dilation=1):
    return (kernel_size - 1) // 2, kernel_size // 2


# %% same_padding: halved first, dilated afterwards
def same_padding(kernel_size, *, dilation=1):
    before = (kernel_size - 1) // 2
    return before * dilation, (kernel_size - 1 - before) * dilation


# %% same_padding: a dilated kernel is taken to span d * k
def same_padding(kernel_size, *, dilation=1):
    missing = dilation * kernel_size - 1
    return missing // 2, missing - missing // 2


# %% pad2d: a pair (h, w) is not taken apart
def pad2d(x, padding, *, mode="zeros"):
    p, (H, W) = padding, x.shape[-2:]
    if mode == "zeros":
        out = np.zeros((*x.shape[:-2], H + 2 * p, W + 2 * p))
        out[..., p : p + H, p : p + W] = x
        return out
    rows, columns = np.arange(-p, H + p), np.arange(-p, W + p)
    if mode == "reflect":
        rows, columns = H - 1 - abs(H - 1 - abs(rows)), W - 1 - abs(W - 1 - abs(columns))
    return x[..., rows.clip(0, H - 1), :][..., columns.clip(0, W - 1)]


# %% pad2d: reflect repeats the edge
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    names = {"zeros": "constant", "replicate": "edge", "reflect": "symmetric"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)], mode=names[mode])


# %% pad2d: reflect repeats the edge at the bottom and at the right
def pad2d(x, padding, *, mode="zeros"):
    def source(index, n):
        if mode == "replicate":
            return min(max(index, 0), n - 1)
        return -index if index < 0 else 2 * n - index - 1 if index >= n else index

    h, w = (padding, padding) if isinstance(padding, int) else padding
    H, W = x.shape[-2:]
    if mode == "zeros":
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)])
    rows, columns = [source(i, H) for i in range(-h, H + h)], [source(j, W) for j in range(-w, W + w)]
    return x[..., rows, :][..., columns]


# %% pad2d: reflect repeats the edge at the top and at the left
def pad2d(x, padding, *, mode="zeros"):
    def source(index, n):
        if mode == "replicate":
            return min(max(index, 0), n - 1)
        return -index - 1 if index < 0 else 2 * n - index - 2 if index >= n else index

    h, w = (padding, padding) if isinstance(padding, int) else padding
    H, W = x.shape[-2:]
    if mode == "zeros":
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)])
    rows, columns = [source(i, H) for i in range(-h, H + h)], [source(j, W) for j in range(-w, W + w)]
    return x[..., rows, :][..., columns]


# %% pad2d: the picture wraps around
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    H, W = x.shape[-2:]
    if mode == "zeros":
        out = np.zeros((*x.shape[:-2], H + 2 * h, W + 2 * w))
        out[..., h : h + H, w : w + W] = x
        return out
    return x[..., np.arange(-h, H + h) % H, :][..., np.arange(-w, W + w) % W]


# %% pad2d: the mode is ignored: always zeros
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)])


# %% pad2d: every axis is padded
def pad2d(x, padding, *, mode="zeros"):
    names = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    return np.pad(x, padding, mode=names[mode])


# %% pad2d: height and width are swapped
def pad2d(x, padding, *, mode="zeros"):
    w, h = (padding, padding) if isinstance(padding, int) else padding
    names = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)], mode=names[mode])


# %% pad2d: only the bottom and the right are padded
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    names = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, h), (0, w)], mode=names[mode])


# %% pad2d: padding 0 breaks the slice [p:-p]
def pad2d(x, padding, *, mode="zeros"):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    if mode == "zeros":
        out = np.zeros((*x.shape[:-2], x.shape[-2] + 2 * h, x.shape[-1] + 2 * w))
        out[..., h:-h, w:-w] = x
        return out
    names = {"replicate": "edge", "reflect": "reflect"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)], mode=names[mode])


# %% conv2d_parameters: a pair (h, w) is not taken apart
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    return out_channels * (in_channels * kernel_size**2 + int(bias))


# %% conv2d_parameters: the biases are forgotten
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * in_channels * kh * kw


# %% conv2d_parameters: one bias for the whole layer
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * in_channels * kh * kw + (1 if bias else 0)


# %% conv2d_parameters: one bias for every kernel slice
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * in_channels * (kh * kw + int(bias))


# %% conv2d_parameters: the input channels are forgotten
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (kh * kw + int(bias))


# %% conv2d_parameters: biases are counted although bias=False
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels * kh * kw + 1)


# %% conv2d_parameters: the height is used for the width too
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return out_channels * (in_channels * k**2 + int(bias))


# %% linear_parameters: the biases are forgotten
def linear_parameters(in_features, out_features, *, bias=True):
    return in_features * out_features


# %% linear_parameters: one bias per input instead of per output
def linear_parameters(in_features, out_features, *, bias=True):
    return in_features * out_features + (in_features if bias else 0)


# %% linear_parameters: one bias for the whole layer
def linear_parameters(in_features, out_features, *, bias=True):
    return in_features * out_features + int(bias)


# %% linear_parameters: biases are counted although bias=False
def linear_parameters(in_features, out_features, *, bias=True):
    return in_features * out_features + out_features


# %% conv2d_macs: a pair (h, w) is not taken apart
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    C, H, W = in_shape
    oh = output_size(H, kernel_size, stride=stride, padding=padding, dilation=dilation)
    ow = output_size(W, kernel_size, stride=stride, padding=padding, dilation=dilation)
    return out_channels * C * kernel_size**2 * oh * ow


# %% conv2d_macs: counts the pixels of the input
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C, H, W = in_shape
    return out_channels * C * kh * kw * H * W


# %% conv2d_macs: multiplications and additions are counted separately
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = 2 * out_channels * in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= k * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs


# %% conv2d_macs: the input channels are forgotten
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = out_channels
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= k * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs


# %% conv2d_macs: only one filter is counted
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= k * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs


# %% conv2d_macs: the biases are counted as multiply-adds
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    outputs, dot = out_channels, in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        outputs *= output_size(size, k, stride=s, padding=p, dilation=d)
        dot *= k
    return outputs * (dot + 1)


# %% conv2d_macs: height and width are swapped
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    C, W, H = in_shape
    macs = out_channels * C
    for axis, size in enumerate((H, W)):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= k * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs


# %% conv2d_macs: the options are ignored
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C, H, W = in_shape
    return out_channels * C * kh * kw * output_size(H, kh) * output_size(W, kw)


# %% conv2d_macs: the dilation is not handed on
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = out_channels * in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding))
        macs *= k * output_size(size, k, stride=s, padding=p)
    return macs


# %% conv2d_macs: the holes of a dilated kernel are multiplied too
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = out_channels * in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= (d * (k - 1) + 1) * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs


# %% conv2d_macs: every call ends in a TypeError
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    macs = out_channels * in_shape[0]
    for axis, size in enumerate(in_shape[1:]):
        k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (kernel_size, stride, padding, dilation))
        macs *= k * output_size(size, k, s, p, d)
    return macs


# %% receptive_field: each layer adds K instead of K - 1
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        field += (d * (k - 1) + 1) * jump
        jump *= s
    return field


# %% receptive_field: starts from 0 instead of 1
def receptive_field(layers):
    field, jump = 0, 1
    for k, s, d in layers:
        field += d * (k - 1) * jump
        jump *= s
    return field


# %% receptive_field: only the last layer counts
def receptive_field(layers):
    for k, _, d in layers:
        field = d * (k - 1) + 1
    return field


# %% receptive_field: the strides are ignored
def receptive_field(layers):
    return 1 + sum(d * (k - 1) for k, s, d in layers)


# %% receptive_field: a layer's own stride counts before its kernel
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        jump *= s
        field += d * (k - 1) * jump
    return field


# %% receptive_field: only the stride of the layer before counts
def receptive_field(layers):
    field, before = 1, 1
    for k, s, d in layers:
        field += d * (k - 1) * before
        before = s
    return field


# %% receptive_field: the strides are added up
def receptive_field(layers):
    field, jump = 1, 0
    for k, s, d in layers:
        field += d * (k - 1) * max(jump, 1)
        jump += s
    return field


# %% receptive_field: the stack is walked from the wrong end
def receptive_field(layers):
    field = 1
    for k, s, d in layers:
        field = (field - 1) * s + d * (k - 1) + 1
    return field


# %% receptive_field: the dilation is ignored
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, _ in layers:
        field += (k - 1) * jump
        jump *= s
    return field


# %% receptive_field: a dilated kernel is taken to span d * k
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        field += (d * k - 1) * jump
        jump *= s
    return field


# %% receptive_field: the strides are added to the jump
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        field += d * (k - 1) * jump
        jump += s
    return field


# %% receptive_field: the dilation enters the jump
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        field += d * (k - 1) * jump
        jump *= s * d
    return field


# %% receptive_field: only the first layer counts
def receptive_field(layers):
    field, jump = 1, 1
    for k, s, d in layers:
        field += d * (k - 1) * jump
        jump *= s
        return field


# %% receptive_field: kernel size and stride are exchanged
def receptive_field(layers):
    field, jump = 1, 1
    for s, k, d in layers:
        field += d * (k - 1) * jump
        jump *= s
    return field


# %% trace_shapes: a pair (h, w) is not taken apart
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            given = {"padding": 0, "dilation": 1, **options}
            given.setdefault("stride", 1 if kind == "Conv2d" else given["kernel_size"])
            channels = given.pop("out_channels", shape[1])
            size = given.pop("kernel_size")
            shape = (shape[0], channels, *(output_size(side, size, **given) for side in shape[2:]))
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: a pooling without a stride is given stride 1
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                defaults = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
                given = {name: options.get(name, value) for name, value in defaults.items()}
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in given.values())
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: pooling rounds up
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                out = (size + 2 * p - d * (k - 1) - 1) / s + 1
                sides.append(int(out) if kind == "Conv2d" else int(np.ceil(out)))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: a convolution keeps the number of channels
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], shape[1], *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: flatten takes in the batch
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (1, int(np.prod(shape)))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: flatten and linear lose the batch
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (int(np.prod(shape[1:])),)
        elif kind == "Linear":
            shape = (options["out_features"],)
        shapes.append(shape)
    return shapes


# %% trace_shapes: the height is used for the width too
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            k, p, d = (
                options.get(name, value)
                for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
            )
            s = options.get("stride", 1 if kind == "Conv2d" else k)
            k, s, p, d = (v if isinstance(v, int) else v[0] for v in (k, s, p, d))
            side = output_size(shape[2], k, stride=s, padding=p, dilation=d)
            shape = (shape[0], options.get("out_channels", shape[1]), side, side)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: height and width are swapped in the options
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[1 - axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: every layer is given the shape of the input
def trace_shapes(in_shape, layers):
    shapes = []
    for kind, options in layers:
        shape = tuple(in_shape)
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: the input's shape stands first in the list
def trace_shapes(in_shape, layers):
    shapes = [tuple(in_shape)]
    for kind, options in layers:
        shape = shapes[-1]
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: ReLU is left out of the list
def trace_shapes(in_shape, layers):
    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind == "ReLU":
            continue
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes


# %% trace_shapes: only the last shape is returned
def trace_shapes(in_shape, layers):
    shape = tuple(in_shape)
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            sides = []
            for axis, size in enumerate(shape[2:]):
                k, p, d = (
                    options.get(name, value)
                    for name, value in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
                )
                s = options.get("stride", 1 if kind == "Conv2d" else k)
                k, s, p, d = (v if isinstance(v, int) else v[axis] for v in (k, s, p, d))
                sides.append(output_size(size, k, stride=s, padding=p, dilation=d))
            shape = (shape[0], options.get("out_channels", shape[1]), *sides)
        elif kind == "Flatten":
            shape = (shape[0], int(np.prod(shape[1:])))
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
    return shape


# %% trace_shapes: one list stands in the result again and again
DEFAULTS = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}


def trace_shapes(in_shape, layers):
    shape, shapes = list(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            options = {"stride": 1 if kind == "Conv2d" else options["kernel_size"], **options}
            for axis in (2, 3):
                given = [options.get(name, one) for name, one in DEFAULTS.items()]
                k, s, p, d = (v if isinstance(v, int) else v[axis - 2] for v in given)
                shape[axis] = output_size(shape[axis], k, stride=s, padding=p, dilation=d)
            shape[1] = options.get("out_channels", shape[1])
        elif kind == "Flatten":
            shape = [shape[0], shape[1] * shape[2] * shape[3]]
        elif kind == "Linear":
            shape[1] = options["out_features"]
        shapes.append(shape)
    return shapes


# %% trace_shapes: one list stands in the result for all pictures
DEFAULTS = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}


def trace_shapes(in_shape, layers):
    shape, shapes = list(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            options = {"stride": 1 if kind == "Conv2d" else options["kernel_size"], **options}
            for axis in (2, 3):
                given = [options.get(name, one) for name, one in DEFAULTS.items()]
                k, s, p, d = (v if isinstance(v, int) else v[axis - 2] for v in given)
                shape[axis] = output_size(shape[axis], k, stride=s, padding=p, dilation=d)
            shape[1] = options.get("out_channels", shape[1])
        elif kind == "Flatten":
            shape = [shape[0], shape[1] * shape[2] * shape[3]]
        elif kind == "Linear":
            shape = [shape[0], options["out_features"]]
        shapes.append(shape)
    return shapes


# %% trace_shapes: AvgPool2d is left out
DEFAULTS = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}


def trace_shapes(in_shape, layers):
    shape, shapes = list(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d"):
            options = {"stride": 1 if kind == "Conv2d" else options["kernel_size"], **options}
            for axis in (2, 3):
                given = [options.get(name, one) for name, one in DEFAULTS.items()]
                k, s, p, d = (v if isinstance(v, int) else v[axis - 2] for v in given)
                shape[axis] = output_size(shape[axis], k, stride=s, padding=p, dilation=d)
            shape[1] = options.get("out_channels", shape[1])
        elif kind == "Flatten":
            shape = [shape[0], shape[1] * shape[2] * shape[3]]
        elif kind == "Linear":
            shape[1] = options["out_features"]
        shapes.append(tuple(shape))
    return shapes


# %% trace_shapes: every layer that slides ends in a TypeError
DEFAULTS = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}


def trace_shapes(in_shape, layers):
    shape, shapes = list(in_shape), []
    for kind, options in layers:
        if kind in ("Conv2d", "MaxPool2d", "AvgPool2d"):
            options = {"stride": 1 if kind == "Conv2d" else options["kernel_size"], **options}
            for axis in (2, 3):
                given = [options.get(name, one) for name, one in DEFAULTS.items()]
                k, s, p, d = (v if isinstance(v, int) else v[axis - 2] for v in given)
                shape[axis] = output_size(shape[axis], k, s, p, d)
            shape[1] = options.get("out_channels", shape[1])
        elif kind == "Flatten":
            shape = [shape[0], shape[1] * shape[2] * shape[3]]
        elif kind == "Linear":
            shape[1] = options["out_features"]
        shapes.append(tuple(shape))
    return shapes
